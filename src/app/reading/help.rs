//! The help page: made from the live keymap, what works here first.
//!
//! Owns its layout. Keys and titles come from the keymap and the catalogue.

use crate::action::{Action, Context, Reach};
use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};

impl App {
    pub(super) fn help_lines(&self, here: &[Context]) -> Vec<DocumentLine> {
        let others = Context::ALL.iter().filter(|c| !here.contains(c));
        let mut lines = Vec::new();
        for context in here.iter().chain(others) {
            let works = if here.contains(context) { "" } else { " (not here)" };
            lines.push(DocumentLine::new(LineKind::Heading, format!("{}{works}", context.name())));
            lines.extend(self.context_lines(*context, here));
            lines.push(DocumentLine::plain(""));
        }
        lines.extend(self.file_lines());
        lines.extend(legend());
        lines
    }

    /// The actions of the service file.
    fn file_lines(&self) -> Vec<DocumentLine> {
        let all = self.file_help();
        let Some(service) = self.start.service.as_ref().filter(|_| !all.is_empty()) else { return Vec::new() };
        let mut lines = vec![DocumentLine::new(LineKind::Heading, format!("actions of {}", service.name))];
        lines.extend(all.into_iter().map(|(keys, title, why)| deed(&keys, &title, why)));
        lines.push(DocumentLine::plain(""));
        lines
    }

    fn context_lines(&self, context: Context, here: &[Context]) -> Vec<DocumentLine> {
        let bound = Action::ALL.iter().filter_map(|action| {
            let chords = self.start.keymap.chords(context, *action);
            (!chords.is_empty()).then(|| (action, chords.iter().map(ToString::to_string).collect::<Vec<_>>().join("  ")))
        });
        // Movements are what people know already: what one can do comes before them.
        let (motions, deeds): (Vec<_>, Vec<_>) = bound.partition(|(action, _)| action.spec().reach == Reach::Motion);
        deeds
            .into_iter()
            .chain(motions)
            .map(|(action, keys)| {
                let why = if here.contains(&context) { self.unavailable(*action) } else { None };
                deed(&keys, action.title(), why)
            })
            .collect()
    }
}

/// Keys, what they do, and why they do not now.
fn deed(keys: &str, title: &str, why: Option<String>) -> DocumentLine {
    let kind = if why.is_some() { LineKind::Dim } else { LineKind::Plain };
    let why = why.map(|w| format!("  ({w})")).unwrap_or_default();
    DocumentLine::new(kind, format!("  {keys:<22}{title}{why}"))
}

fn legend() -> Vec<DocumentLine> {
    let text = [
        ("signs", ""),
        ("", "  ● ok   ◐ degraded   ✗ down   ? unknown   ○ off or done   ▲ near the limit"),
        ("", "  Unknown means that it could not be found out; it is never good news."),
        ("filter", ""),
        ("", "  words              rows that contain them; a workload stays when one of its pods matches"),
        ("", "  status!=Running    restarts>=5    node=worker-2    app=api    ns=shop    image~1.4    cpu>80%    age<1h"),
        ("", "  several, separated by blanks, must all hold"),
    ];
    text.into_iter()
        .map(
            |(heading, line)| {
                if heading.is_empty() { DocumentLine::plain(line) } else { DocumentLine::new(LineKind::Heading, heading) }
            },
        )
        .collect()
}
