//! How the console looks on this terminal: theme, colour depth, characters.
//!
//! Owns the choice and the way to the next theme. What the looks mean is in `theme` and `ui`.

use crate::base::problem::Problem;
use crate::config::{self, ColorChoice, Paths, Settings};
use crate::theme::{self, Appearance, Charset, Depth, Found};
use crate::ui::skin::Skin;

/// Theme, depth, characters.
#[derive(Debug, Clone)]
pub struct Looks {
    name: String,
    paths: Paths,
    depth: Depth,
    charset: Charset,
    skin: Skin,
}

impl Looks {
    /// What settings, environment and terminal say. What is wrong with theme files is added to `problems`.
    pub fn new(settings: &Settings, paths: &Paths, problems: &mut Vec<Problem>) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let depth = match settings.color {
            ColorChoice::Never => Depth::None,
            ColorChoice::Always => Depth::detect(|n| if n == "NO_COLOR" { None } else { variable(n) }).max(Depth::Basic),
            ColorChoice::Auto => Depth::detect(variable),
        };
        let charset = if settings.ascii { Charset::Ascii } else { Charset::detect(variable) };
        let name = fitting(&settings.theme, variable("COLORFGBG").as_deref());
        let (skin, found) = skin(&name, paths, depth, charset);
        problems.extend(found);
        Self { name, paths: paths.clone(), depth, charset, skin }
    }

    /// How every role looks now.
    pub fn skin(&self) -> &Skin {
        &self.skin
    }

    /// Takes the next shipped theme; answers its name.
    pub fn take_next(&mut self) -> &str {
        let names: Vec<&str> = theme::names().collect();
        let at = names.iter().position(|n| *n == self.name).map_or(0, |i| i + 1);
        names[at % names.len()].clone_into(&mut self.name);
        self.skin = skin(&self.name, &self.paths, self.depth, self.charset).0;
        &self.name
    }
}

/// The default theme fits a dark background; on a terminal that says its background is light (`COLORFGBG`) the default is the
/// light one. Any other choice stands.
fn fitting(wanted: &str, colorfgbg: Option<&str>) -> String {
    let light = colorfgbg.and_then(Appearance::from_colorfgbg) == Some(Appearance::Light);
    if wanted == theme::DEFAULT && light { "light".to_owned() } else { wanted.to_owned() }
}

fn skin(name: &str, paths: &Paths, depth: Depth, charset: Charset) -> (Skin, Vec<Problem>) {
    let mut unreadable = Vec::new();
    let found = std::cell::RefCell::new(&mut unreadable);
    let user = |name: &str| match config::files::read(&paths.theme(name), "theme") {
        Ok(file) => file.map(|f| Found { file: f.file, text: f.text }),
        Err(problem) => {
            found.borrow_mut().push(*problem);
            None
        }
    };
    let loaded = theme::load(name, &user);
    let skin = Skin::new(&loaded.theme, depth, charset);
    unreadable.extend(loaded.problems);
    (skin, unreadable)
}
