//! Conditions of a service file: `var.replicas < workload.ready / 2 and not probe.db == failed`.
//!
//! Owns the one closed grammar (NAME OP VALUE, `and`, `or`, `not`, parentheses, arithmetic between a name and a number) and its
//! three-valued answer. No functions, no loops. Must not know where a value comes from.

use regex::Regex;

/// A condition that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    node: Node,
}

/// A value that a name has, or that is written down.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Compare(Term, Op, Term),
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Value(Value),
    Name(String),
    Calculation(Box<Term>, char, f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    Contains,
}

const OPS: [(&str, Op); 8] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("<", Op::Less),
    ("<=", Op::LessOrEqual),
    (">", Op::Greater),
    (">=", Op::GreaterOrEqual),
    ("matches", Op::Matches),
    ("contains", Op::Contains),
];

/// Nobody writes longer ones by hand, and nesting is bounded by it.
const LONGEST: usize = 500;
const DEEPEST: usize = 20;

impl Value {
    /// A number where the text is one.
    pub fn of(text: &str) -> Self {
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Before a migration: whether one is pending, of the image that the step is about.
pub(super) const PENDING: &str = "migrations:pending";

impl Condition {
    /// The name by which `pending` asks; its value is `yes` or `no`.
    pub const PENDING: &'static str = "migrations.pending";

    /// `migrations:pending`.
    pub(super) fn pending() -> Self {
        let yes = Term::Value(Value::Text("yes".to_owned()));
        Self { text: PENDING.to_owned(), node: Node::Compare(Term::Name(Self::PENDING.to_owned()), Op::Equal, yes) }
    }

    /// Reads a condition; `Err` says in words what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} characters"));
        }
        let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
        let node = parser.or()?;
        match parser.peek() {
            None => Ok(Self { text: text.to_owned(), node }),
            Some(token) => Err(format!("'{}' is left over", token.text())),
        }
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names it asks for.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.node.names(&mut names);
        names
    }

    /// Whether it holds; `None` when a value that decides is not known.
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<Value>) -> Option<bool> {
        self.node.holds(value)
    }

    /// The probes that must be green and the measures that must be within their limits (`kpi:ID`), where it asks for nothing else:
    /// `probe.a == ok and kpi.b == ok`.
    pub fn all_good(&self) -> Option<Vec<String>> {
        self.node.all_good()
    }
}

impl Node {
    fn all_good(&self) -> Option<Vec<String>> {
        match self {
            Self::And(a, b) => Some([a.all_good()?, b.all_good()?].concat()),
            Self::Compare(Term::Name(name), Op::Equal, Term::Value(Value::Text(ok))) if ok == "ok" => {
                let probe = name.strip_prefix("probe.").map(str::to_owned);
                Some(vec![probe.or_else(|| name.strip_prefix("kpi.").map(|id| format!("kpi:{id}")))?])
            }
            _ => None,
        }
    }

    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Or(a, b) | Self::And(a, b) => {
                a.names(names);
                b.names(names);
            }
            Self::Not(inner) => inner.names(names),
            Self::Compare(a, _, b) => names.extend([a.name(), b.name()].into_iter().flatten()),
        }
    }

    fn holds(&self, value: &dyn Fn(&str) -> Option<Value>) -> Option<bool> {
        match self {
            Self::Or(a, b) => match (a.holds(value), b.holds(value)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::And(a, b) => match (a.holds(value), b.holds(value)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Not(inner) => inner.holds(value).map(|holds| !holds),
            Self::Compare(a, op, b) => compare(&a.value(value)?, *op, &b.value(value)?),
        }
    }
}

impl Term {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Value(_) => None,
            Self::Name(name) => Some(name),
            Self::Calculation(inner, ..) => inner.name(),
        }
    }

    fn value(&self, of: &dyn Fn(&str) -> Option<Value>) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Name(name) => of(name),
            Self::Calculation(inner, op, number) => {
                let Value::Number(left) = inner.value(of)? else { return None };
                let result = match op {
                    '*' => left * number,
                    '/' => left / number,
                    '+' => left + number,
                    _ => left - number,
                };
                result.is_finite().then_some(Value::Number(result))
            }
        }
    }
}

fn compare(left: &Value, op: Op, right: &Value) -> Option<bool> {
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        // A number and a text are different, and neither is less.
        _ => return matches!(op, Op::Equal | Op::NotEqual).then_some(op == Op::NotEqual),
    };
    Some(match op {
        Op::Equal => order?.is_eq(),
        Op::NotEqual => order?.is_ne(),
        Op::Less => order?.is_lt(),
        Op::LessOrEqual => order?.is_le(),
        Op::Greater => order?.is_gt(),
        Op::GreaterOrEqual => order?.is_ge(),
        Op::Matches => Regex::new(&right.text()).ok()?.is_match(&left.text()),
        Op::Contains => left.text().contains(&right.text()),
    })
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Number(f64),
    Sign(String),
}

impl Token {
    fn text(&self) -> String {
        match self {
            Self::Word(text) | Self::Quoted(text) | Self::Sign(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = |wanted: &dyn Fn(char) -> bool| rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        let length = match first {
            '\'' | '"' => {
                let close = rest[1..].find(first).ok_or_else(|| format!("{first} is never closed"))?;
                tokens.push(Token::Quoted(rest[1..=close].to_owned()));
                close + 2
            }
            '(' | ')' | '*' | '/' | '+' | '-' => {
                tokens.push(Token::Sign(first.to_string()));
                1
            }
            '=' | '!' | '<' | '>' => {
                let length = end(&|c| "=!<>".contains(c));
                tokens.push(Token::Sign(rest[..length].to_owned()));
                length
            }
            c if c.is_ascii_digit() => {
                let length = end(&|c| c.is_ascii_digit() || c == '.');
                tokens.push(Token::Number(rest[..length].parse().map_err(|_| format!("'{}' is no number", &rest[..length]))?));
                length
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = end(&|c| c.is_alphanumeric() || "._-".contains(c));
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
            other => return Err(format!("'{other}' is no part of a condition")),
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, wanted: &Token) -> bool {
        let is = self.peek() == Some(wanted);
        self.at += usize::from(is);
        is
    }

    fn or(&mut self) -> Result<Node, String> {
        let mut node = self.and()?;
        while self.takes(&Token::Word("or".into())) {
            node = Node::Or(Box::new(node), Box::new(self.and()?));
        }
        Ok(node)
    }

    fn and(&mut self) -> Result<Node, String> {
        let mut node = self.not()?;
        while self.takes(&Token::Word("and".into())) {
            node = Node::And(Box::new(node), Box::new(self.not()?));
        }
        Ok(node)
    }

    fn not(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST}"));
        }
        let node = if self.takes(&Token::Word("not".into())) {
            Node::Not(Box::new(self.not()?))
        } else if self.takes(&Token::Sign("(".into())) {
            let inner = self.or()?;
            if !self.takes(&Token::Sign(")".into())) {
                return Err("a parenthesis is never closed".to_owned());
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, String> {
        let left = self.term()?;
        if left.name().is_none() {
            return Err("a name comes first, then what it is compared with".to_owned());
        }
        let written = self.take().ok_or("an operator is missing: ==, !=, <, <=, >, >=, matches, contains")?.text();
        let op = OPS.iter().find(|(word, _)| *word == written).map(|(_, op)| *op);
        let op = op.ok_or_else(|| format!("'{written}' is no operator"))?;
        let right = self.term()?;
        if op == Op::Matches
            && let Term::Value(value) = &right
            && Regex::new(&value.text()).is_err()
        {
            return Err(format!("'{}' is no regular expression", value.text()));
        }
        Ok(Node::Compare(left, op, right))
    }

    fn term(&mut self) -> Result<Term, String> {
        let mut term = match self.take().ok_or("a value is missing at its end")? {
            Token::Number(number) => Term::Value(Value::Number(number)),
            Token::Quoted(text) => Term::Value(Value::Text(text)),
            Token::Word(word) if word.contains('.') || word == "operator" => Term::Name(word),
            Token::Word(word) if ["and", "or", "not"].contains(&word.as_str()) => return Err(format!("'{word}' stands where a value is missing")),
            // A word without a point is a text: ok, production.
            Token::Word(word) => Term::Value(Value::Text(word)),
            Token::Sign(sign) if sign == "-" => match self.take() {
                Some(Token::Number(number)) => Term::Value(Value::Number(-number)),
                _ => return Err("'-' stands before no number".to_owned()),
            },
            Token::Sign(sign) => return Err(format!("'{sign}' stands where a value is missing")),
        };
        while let Some(Token::Sign(sign)) = self.peek()
            && let ["*" | "/" | "+" | "-"] = [sign.as_str()]
        {
            let sign = sign.chars().next().unwrap_or_default();
            self.at += 1;
            match (self.take(), &term) {
                (Some(Token::Number(number)), Term::Name(_) | Term::Calculation(..)) => {
                    term = Term::Calculation(Box::new(term), sign, number);
                }
                _ => return Err(format!("'{sign}' stands between a name and a number alone")),
            }
        }
        Ok(term)
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Value};

    fn value(name: &str) -> Option<Value> {
        Some(match name {
            "var.replicas" => Value::of("0"),
            "workload.ready" => Value::of("8"),
            "env.name" => Value::of("production"),
            "probe.db" => Value::of("ok"),
            _ => return None,
        })
    }

    #[test]
    fn conditions_answer_yes_no_and_not_known() {
        for (text, expected) in [
            ("var.replicas == 0", Some(true)),
            ("var.replicas < workload.ready / 2", Some(true)),
            ("workload.ready / 2 - 1 >= 3", Some(true)),
            ("workload.ready > 8", Some(false)),
            ("env.name == production and probe.db == ok", Some(true)),
            ("env.name != 'production' or not probe.db == ok", Some(false)),
            ("not (env.name == production and var.replicas > 0)", Some(true)),
            ("env.name matches '^prod'", Some(true)),
            ("env.name contains duct", Some(true)),
            ("env.name == 7", Some(false)),
            ("var.other == 1", None),
            ("var.other == 1 and var.replicas == 1", Some(false)),
            ("var.other == 1 or var.replicas == 0", Some(true)),
            ("var.other == 1 or var.replicas == 1", None),
            ("var.replicas == -1", Some(false)),
        ] {
            assert_eq!(Condition::parse(text).expect(text).holds(&value), expected, "{text}");
        }
        assert_eq!(Condition::parse("a.b / 2 < c.d or not e.f == x").expect("names").names(), ["a.b", "c.d", "e.f"]);
    }

    #[test]
    fn what_is_no_condition_is_told_in_words() {
        for (text, part) in [
            ("", "missing"),
            ("var.replicas", "operator is missing"),
            ("var.replicas = 0", "no operator"),
            ("0 == var.replicas", "a name comes first"),
            ("var.a == 1 and", "missing"),
            ("(var.a == 1", "never closed"),
            ("var.a == 'x", "never closed"),
            ("var.a == 1 2", "left over"),
            ("var.a * var.b == 1", "between a name and a number"),
            ("var.a == ; rm", "no part of a condition"),
            ("var.a matches '('", "no regular expression"),
        ] {
            let why = Condition::parse(text).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
        assert!(Condition::parse(&"not ".repeat(30)).is_err());
        assert!(Condition::parse(&format!("{}a.b == 1", "not ".repeat(60))).expect_err("deep").contains("deeper"));
    }
}
