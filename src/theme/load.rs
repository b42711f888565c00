//! From theme files to a theme: layers of inheritance, palette, and one answer per role.
//!
//! Owns the rule that one bad line costs that line only: a style that cannot be read is reported and the next layer's counts.

use super::color::Color;
use super::raw::{Entry, Raw, parse};
use super::role::Role;
use super::style::{Palette, Style};
use super::{Appearance, Theme, contrast, shipped};
use crate::base::problem::{Level, Place, Problem, did_you_mean};
use crate::base::text::clean;

/// A user's theme file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file as problems shall name it.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// A theme and what was wrong on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Always a whole theme.
    pub theme: Theme,
    /// What was wrong, in the order of files and lines.
    pub problems: Vec<Problem>,
}

/// Loads the theme `name`. `user` finds a user's own file of a name; without one the shipped theme counts.
///
/// A user's file holds only differences: from the theme that it `inherits`, else from the shipped theme of its own name, else
/// from the shipped one of its appearance. Never fails: what cannot be read is left out and reported.
pub fn load(name: &str, user: &dyn Fn(&str) -> Option<Found>) -> Loaded {
    let mut layers = Layers { raws: Vec::new(), problems: Vec::new(), own: false };
    layers.gather(name, user);
    let Layers { raws, mut problems, own } = layers;
    let palette = Colours::new(&raws, &mut problems);
    let appearance = raws.iter().find_map(|raw| raw.appearance).unwrap_or_default();
    check_names(&raws, &mut problems);
    let mut answer = Answer { raws: &raws, palette: &palette, problems };
    let rich = Role::ALL.iter().map(|role| answer.rich(*role)).collect::<Vec<_>>();
    let basic = Role::ALL
        .iter()
        .map(|role| answer.own(*role, |raw| &raw.basic).unwrap_or(rich[role.index()]))
        .collect::<Vec<_>>();
    let mut problems = answer.problems;
    let array = |styles: Vec<Style>| std::array::from_fn(|i| styles[i]);
    let theme = Theme { name: clean(name).into_owned(), appearance, rich: array(rich), basic: array(basic) };
    if own {
        problems.extend(contrast::problems(&theme, &raws[0].file));
    }
    let line = |problem: &Problem| match &problem.place {
        Some(Place::File(place)) => (place.file.clone(), place.line),
        _ => (String::new(), None),
    };
    problems.sort_by_cached_key(line);
    Loaded { theme, problems }
}

struct Layers {
    raws: Vec<Raw>,
    problems: Vec<Problem>,
    /// Whether a user's file is among them.
    own: bool,
}

impl Layers {
    fn gather(&mut self, name: &str, user: &dyn Fn(&str) -> Option<Found>) {
        let mut next = Some(name.to_owned());
        let mut seen: Vec<(String, bool)> = Vec::new();
        while let Some(name) = next.take() {
            let visited = |own: bool| seen.contains(&(name.clone(), own));
            let found = user(&name).filter(|_| !visited(true));
            let is_own = found.is_some();
            let found = found.or_else(|| shipped::text(&name).map(|text| Found { file: format!("themes/{name}.toml"), text: text.to_owned() }));
            let Some(found) = found.filter(|_| is_own || !visited(false)) else {
                self.missing(&name, !seen.is_empty() && (visited(true) || visited(false)), user);
                self.gather_shipped(shipped::DEFAULT);
                return;
            };
            seen.push((name.clone(), is_own));
            self.own |= is_own;
            let (raw, problems) = parse(&found.file, &found.text);
            self.problems.extend(problems);
            next = match &raw.inherits {
                Some(entry) => Some(entry.value.clone()),
                None if is_own && shipped::text(&name).is_some() => Some(name),
                None if is_own => Some(raw.appearance.unwrap_or_default().theme().to_owned()),
                None => None,
            };
            self.raws.push(raw);
        }
    }

    fn gather_shipped(&mut self, name: &str) {
        if let Some(text) = shipped::text(name) {
            self.raws.push(parse(&format!("themes/{name}.toml"), text).0);
        }
    }

    fn missing(&mut self, name: &str, circle: bool, user: &dyn Fn(&str) -> Option<Found>) {
        let what = if circle { "inherits from itself" } else { "does not exist" };
        let message = format!("The theme '{}' {what}; '{}' is used.", clean(name), shipped::DEFAULT);
        let mut problem = Problem::new(Level::Warning, format!("theme:{}", clean(name)), message);
        let near = did_you_mean(name, shipped::names().filter(|n| *n != name || user(n).is_none()));
        problem.hint = Some(match near.filter(|_| !circle) {
            Some(near) => format!("Did you mean '{near}'?"),
            None => format!("There are: {}.", shipped::names().collect::<Vec<_>>().join(", ")),
        });
        if let Some((raw, entry)) = self.raws.last().and_then(|raw| Some((raw, raw.inherits.as_ref()?))) {
            problem = problem.at(&raw.file, Some(entry.spot.line), Some(entry.spot.column));
        }
        self.problems.push(problem);
    }
}

struct Colours<'a>(Vec<(&'a str, Color)>);

impl<'a> Colours<'a> {
    fn new(raws: &'a [Raw], problems: &mut Vec<Problem>) -> Self {
        let mut colours: Vec<(&str, Color)> = Vec::new();
        for raw in raws {
            for entry in &raw.palette {
                let Some(color) = Color::parse(&entry.value) else {
                    let message = format!("'{}' is no colour.", clean(&entry.value));
                    let hint = "A colour is '#rrggbb', '#rrggbb bright-red', one of the sixteen names, or 'default'.";
                    problems.push(problem_at(raw, entry, message).hint(hint));
                    continue;
                };
                if !colours.iter().any(|(name, _)| *name == entry.key) {
                    colours.push((&entry.key, color));
                }
            }
        }
        Self(colours)
    }
}

impl Palette for Colours<'_> {
    fn color(&self, name: &str) -> Option<Color> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, color)| *color)
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}

/// Names that no role has, nor a parent of roles (`health` for all of `health.*`).
fn check_names(raws: &[Raw], problems: &mut Vec<Problem>) {
    let known: Vec<&str> = Role::ALL.iter().flat_map(|role| role.chain()).collect();
    for raw in raws {
        for entry in raw.roles.iter().chain(&raw.basic).filter(|e| !known.contains(&&*e.key)) {
            let message = format!("There is no role '{}'.", clean(&entry.key));
            let mut problem = problem_at(raw, entry, message);
            problem.hint = did_you_mean(&entry.key, known.iter().copied()).map(|near| format!("Did you mean '{near}'?"));
            problems.push(problem);
        }
    }
}

struct Answer<'a> {
    raws: &'a [Raw],
    palette: &'a Colours<'a>,
    problems: Vec<Problem>,
}

impl Answer<'_> {
    fn rich(&mut self, role: Role) -> Style {
        role.chain().find_map(|name| self.named(name, |raw| &raw.roles)).unwrap_or_default()
    }

    fn own(&mut self, role: Role, table: fn(&Raw) -> &Vec<Entry>) -> Option<Style> {
        self.named(role.name(), table)
    }

    /// The first layer that has a readable entry of that name.
    fn named(&mut self, name: &str, table: fn(&Raw) -> &Vec<Entry>) -> Option<Style> {
        for raw in self.raws {
            let Some(entry) = table(raw).iter().find(|e| e.key == name) else { continue };
            match Style::parse(&entry.value, self.palette) {
                Ok(style) => return Some(style),
                Err(bad) => {
                    let mut problem = problem_at(raw, entry, format!("'{}' is neither a colour nor an attribute.", clean(&bad.word)));
                    problem.hint = bad.near.filter(|near| *near != bad.word).map(|near| format!("Did you mean '{near}'?"));
                    if !self.problems.contains(&problem) {
                        self.problems.push(problem);
                    }
                }
            }
        }
        None
    }
}

fn problem_at(raw: &Raw, entry: &Entry, message: String) -> Problem {
    let id = format!("theme:{}", entry.spot.path);
    Problem::new(Level::Warning, id, message).at(&raw.file, Some(entry.spot.line), Some(entry.spot.column))
}

impl Default for Loaded {
    /// The shipped default theme.
    fn default() -> Self {
        load(shipped::DEFAULT, &|_| None)
    }
}

impl Appearance {
    /// The word that theme files use.
    pub const fn word(self) -> &'static str {
        self.theme()
    }
}

#[cfg(test)]
mod tests;
