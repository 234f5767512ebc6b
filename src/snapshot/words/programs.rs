//! What counts as a kube-apiserver, and which programs only start another one.

/// The file name of a path, for recognising programs.
pub fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file or image name is that of kube-apiserver itself, bare or with the architecture that builds append.
pub fn is_apiserver_name(name: &str) -> bool {
    name == "kube-apiserver"
        || name
            .strip_prefix("kube-apiserver-")
            .is_some_and(|arch| ["amd64", "arm64", "arm", "s390x", "ppc64le"].contains(&arch))
}

/// Whether a word of a command line names the program: as [`is_apiserver_name`], or `apiserver` as old images and
/// hyperkube call it. An option is no program.
pub fn is_apiserver_program(word: &str) -> bool {
    !word.starts_with('-') && (is_apiserver_name(basename(word)) || basename(word) == "apiserver")
}

/// Whether a program is a shell that takes a script after `-c`.
pub fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "ash" | "dash" | "busybox")
}

/// A program that does nothing to the arguments of the one that it starts.
struct Wrapper {
    name: &'static str,
    /// Options without a value.
    bare: &'static [&'static str],
    /// Options that take the next word as their value.
    valued: &'static [&'static str],
    /// Words of its own before the program.
    positional: usize,
}

const fn wrapper(
    name: &'static str,
    bare: &'static [&'static str],
    valued: &'static [&'static str],
    positional: usize,
) -> Wrapper {
    Wrapper { name, bare, valued, positional }
}

const WRAPPERS: [Wrapper; 12] = [
    wrapper("command", &["-p"], &[], 0),
    wrapper("dumb-init", &["-c", "-v", "--single-child", "--verbose"], &["-r", "--rewrite"], 0),
    wrapper("env", &["-i", "--ignore-environment"], &["-u"], 0),
    wrapper("exec", &["-c", "-l"], &["-a"], 0),
    wrapper("go-runner", &["--also-stdout", "--redirect-stderr"], &["--log-file"], 0),
    wrapper("nice", &[], &["-n"], 0),
    wrapper("nohup", &[], &[], 0),
    wrapper("setsid", &["-c", "-f", "-w"], &[], 0),
    wrapper("timeout", &["--foreground", "--preserve-status", "-v"], &["-k", "-s"], 1),
    wrapper("tini", &["-g", "-s", "-v", "-w"], &["-p", "-e"], 0),
    wrapper("tini-static", &["-g", "-s", "-v", "-w"], &["-p", "-e"], 0),
    wrapper("watch-termination", &[], &[], 0),
];

/// What a simple command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// A kube-apiserver, whose arguments begin at this word.
    Server(usize),
    /// Nothing: no words, or a redirection of the shell itself.
    Nothing,
    /// Something else, or something that cannot be told.
    Other,
}

/// What the words of one command run, seen through the programs that only start another one. A word that has to be
/// expanded first is none.
pub fn runs(words: &[Option<&str>]) -> Runs {
    let mut index = 0;
    let mut assignments = true;
    loop {
        let Some(word) = words.get(index) else { return Runs::Nothing };
        let Some(word) = word else { return Runs::Other };
        if assignments && is_assignment(word) {
            index += 1;
            continue;
        }
        if is_apiserver_program(word) {
            return Runs::Server(index + 1);
        }
        let name = basename(word);
        if name == "hyperkube" {
            let subcommand = words.get(index + 1).copied().flatten();
            return match subcommand {
                Some("apiserver" | "kube-apiserver") => Runs::Server(index + 2),
                _ => Runs::Other,
            };
        }
        // `exec {FD}>file` opens a file.
        if word.starts_with('{') && word.ends_with('}') && word.len() > 2 && index > 0 {
            return Runs::Nothing;
        }
        let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name) else { return Runs::Other };
        assignments = wrapper.name == "env";
        let Some(next) = after_options(words, index + 1, wrapper) else { return Runs::Other };
        index = next + wrapper.positional;
    }
}

/// Whether a program does nothing but start the one that its words name.
pub fn is_wrapper(word: &str) -> bool {
    WRAPPERS.iter().any(|wrapper| wrapper.name == basename(word))
}

/// Where the options of a wrapper end; none if an option is not known to take a value or not.
fn after_options(words: &[Option<&str>], mut index: usize, wrapper: &Wrapper) -> Option<usize> {
    while let Some(Some(option)) = words.get(index)
        && option.starts_with('-')
    {
        index += 1;
        if *option == "--" {
            break;
        }
        if wrapper.valued.contains(option) {
            index += 1;
        } else if !(wrapper.bare.contains(option)
            || option.contains('=')
            || wrapper.name == "nice" && option[1..].parse::<i64>().is_ok())
        {
            // `command -v` runs nothing. Elsewhere `--` tells the options from the program.
            let end = words.iter().skip(index).position(|word| *word == Some("--"))?;
            return (wrapper.name != "command").then_some(index + end + 1);
        }
    }
    Some(index)
}

/// `NAME=value`, also `NAME+=value` and `NAME[index]=value`.
pub fn is_assignment(word: &str) -> bool {
    assigned_name(word).is_some()
}

/// The variable that a word assigns to, and the value if all of the variable becomes it.
pub fn assigned_name(word: &str) -> Option<(&str, Option<&str>)> {
    let (target, value) = word.split_once('=')?;
    if super::is_name(target) {
        return Some((target, Some(value)));
    }
    let name = target.strip_suffix('+').unwrap_or(target);
    let name = name.split('[').next().unwrap_or(name);
    super::is_name(name).then_some((name, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_seen_through_and_other_programs_are_not() {
        for (line, expected) in [
            ("kube-apiserver --v=2", Runs::Server(1)),
            ("/usr/bin/kube-apiserver-amd64", Runs::Server(1)),
            ("A=b C=d exec nice -n 5 timeout -k 3 30 kube-apiserver", Runs::Server(11)),
            ("env -i A=b apiserver", Runs::Server(4)),
            ("/go-runner --log-file /x --also-stdout /bin/kube-apiserver", Runs::Server(5)),
            ("tini -g -- hyperkube apiserver", Runs::Server(5)),
            ("watch-termination --x y --z=1 -- hyperkube kube-apiserver", Runs::Server(7)),
            ("command -v kube-apiserver", Runs::Other),
            ("command -v -- kube-apiserver", Runs::Other),
            ("echo kube-apiserver", Runs::Other),
            ("grep kube-apiserver -q", Runs::Other),
            ("test -x kube-apiserver -a", Runs::Other),
            ("hyperkube kubelet", Runs::Other),
            ("exec {FD}", Runs::Nothing),
            ("A=b", Runs::Nothing),
        ] {
            let words: Vec<Option<&str>> = line.split(' ').map(Some).collect();
            assert_eq!(runs(&words), expected, "{line}");
        }
    }
}
