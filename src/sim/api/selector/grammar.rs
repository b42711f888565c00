//! The grammar of label selectors, after k8s.io/apimachinery/pkg/labels.
//!
//! Owns words, requirements, and the sentences about what is wrong with them.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::Need;
use crate::sim::api::admit;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Name(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

/// Parses the text form of a selector.
pub(super) fn parse(text: &str) -> Result<Vec<Need>, String> {
    let mut words = Words { words: words(text).into_iter().peekable() };
    let mut needs = Vec::new();
    loop {
        match words.peek() {
            Word::Name(_) | Word::Sign("!") => {
                needs.push(words.requirement().map_err(|e| format!("unable to parse requirement: {e}"))?);
                match words.next() {
                    Word::End => return Ok(needs),
                    Word::Sign(",") if matches!(words.peek(), Word::Name(_) | Word::Sign("!")) => {}
                    Word::Sign(",") => return Err(format!("found '{}', expected: identifier after ','", words.peek().shown())),
                    other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.shown())),
                }
            }
            Word::End => return Ok(needs),
            other @ Word::Sign(_) => return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.shown())),
        }
    }
}

fn words(text: &str) -> Vec<Word> {
    let (mut all, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let length = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            all.push(Word::Sign(sign));
            sign.len()
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "=!(),><".contains(c)).unwrap_or(rest.len());
            all.push(Word::Name(rest[..end].to_owned()));
            end
        };
        rest = rest[length..].trim_start();
    }
    all
}

impl Word {
    fn shown(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Sign(sign) => sign,
            Self::End => "",
        }
    }
}

struct Words {
    words: Peekable<IntoIter<Word>>,
}

impl Words {
    fn next(&mut self) -> Word {
        self.words.next().unwrap_or(Word::End)
    }

    fn peek(&mut self) -> Word {
        self.words.peek().cloned().unwrap_or(Word::End)
    }

    fn requirement(&mut self) -> Result<Need, String> {
        let absent = self.peek() == Word::Sign("!");
        if absent {
            self.next();
        }
        let key = match self.next() {
            Word::Name(name) => name,
            other => return Err(format!("found '{}', expected: identifier", other.shown())),
        };
        if let Some(wrong) = admit::wrong_label_key(&key) {
            return Err(format!("<nil>: Invalid value: \"{key}\": {wrong}"));
        }
        if absent || matches!(self.peek(), Word::End | Word::Sign(",")) {
            return Ok(if absent { Need::Absent(key) } else { Need::Exists(key) });
        }
        let operator = self.next();
        match operator.shown() {
            "in" => Ok(Need::In(key, self.list()?)),
            "notin" => Ok(Need::NotIn(key, self.list()?)),
            "=" | "==" => Ok(Need::In(key, vec![self.value()?])),
            "!=" => Ok(Need::NotIn(key, vec![self.value()?])),
            sign @ (">" | "<") => {
                let value = self.value()?;
                let number = value
                    .parse()
                    .map_err(|_| format!("values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"))?;
                Ok(if sign == ">" { Need::Greater(key, number) } else { Need::Less(key, number) })
            }
            other => Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        }
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Word::End | Word::Sign(",")) {
            return Ok(String::new());
        }
        match self.next() {
            Word::Name(name) => Ok(name),
            other => Err(format!("found '{}', expected: identifier", other.shown())),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Word::Sign("(") => {}
            other => return Err(format!("found '{}' expected: '('", other.shown())),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Word::Name(name) => values.push(name),
                Word::Sign(")") if values.is_empty() => return Ok(vec![String::new()]),
                other => return Err(format!("found '{}', expected: ',', or identifier", other.shown())),
            }
            match self.peek() {
                Word::Sign(",") => drop(self.next()),
                Word::Sign(")") => {
                    self.next();
                    return Ok(values);
                }
                other => return Err(format!("found '{}', expected: ',' or ')'", other.shown())),
            }
        }
    }
}
