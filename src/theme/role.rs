//! The roles that view code paints with.
//!
//! Owns their names, as theme files write them, and the chain by which a role without an entry takes its parent's.

macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What a piece of the screen is, never which colour it has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $($(#[doc = $doc])+ $variant,)+ }

        impl Role {
            /// Every role, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name that theme files use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence on where it is seen, for the reference of theme files.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

roles! {
    /// The ground that everything stands on.
    Screen = "screen",
    /// Ordinary text.
    Text = "text",
    /// Text of second rank: units, places, ages.
    Dim = "text.dim",
    /// Text to see first: names, numbers that matter.
    Strong = "text.strong",
    /// Words that name what follows: UP, CHANGED, Checks.
    Label = "label",
    /// Lines around a pane.
    Frame = "frame",
    /// Lines around the pane that has the focus.
    FrameFocus = "frame.focus",
    /// Title of a pane.
    Title = "title",
    /// Title of the pane that has the focus.
    TitleFocus = "title.focus",
    /// Heads of columns.
    Column = "column",
    /// Head of the column that rows are sorted by.
    ColumnSorted = "column.sorted",
    /// The selected row.
    Selection = "selection",
    /// The selected row of a pane without the focus.
    SelectionIdle = "selection.idle",
    /// The mark before a row that was marked.
    Mark = "mark",
    /// A key that works now.
    Key = "key",
    /// What that key does.
    KeyLabel = "key.label",
    /// A key that does not work now, and its label.
    KeyOff = "key.off",
    /// Health: ok.
    Ok = "health.ok",
    /// Health: degraded.
    Degraded = "health.degraded",
    /// Health: down.
    Down = "health.down",
    /// Health: unknown.
    Unknown = "health.unknown",
    /// Health: off, or done.
    Off = "health.off",
    /// Near a limit.
    Near = "health.near",
    /// The word of a production environment.
    EnvProduction = "env.production",
    /// The word of a staging environment.
    EnvStaging = "env.staging",
    /// The word of a development, test or local environment, and of the demo.
    EnvDevelopment = "env.development",
    /// The word of an environment whose kind is unknown, which counts as production.
    EnvUnknown = "env.unknown",
    /// READ ONLY.
    ReadOnly = "badge.read-only",
    /// What is seen is live.
    Live = "stream.live",
    /// What is seen is old.
    Stale = "stream.stale",
    /// There is no connection.
    Lost = "stream.lost",
    /// Log level error or fatal.
    LevelError = "level.error",
    /// Log level warning.
    LevelWarn = "level.warn",
    /// Log level info.
    LevelInfo = "level.info",
    /// Log level debug or trace.
    LevelDebug = "level.debug",
    /// Log source, first colour.
    Source1 = "source.1",
    /// Log source, second colour.
    Source2 = "source.2",
    /// Log source, third colour.
    Source3 = "source.3",
    /// Log source, fourth colour.
    Source4 = "source.4",
    /// Log source, fifth colour.
    Source5 = "source.5",
    /// Log source, sixth colour.
    Source6 = "source.6",
    /// Time of a log line.
    LogTime = "log.time",
    /// Name of a field of a folded log line.
    LogKey = "log.key",
    /// A line of the program among log lines: gap, drop, reconnect, restart.
    LogMarker = "log.marker",
    /// What a search found.
    Match = "match",
    /// What a search found, and where it stands now.
    MatchCurrent = "match.current",
    /// A line that comes.
    DiffAdded = "diff.added",
    /// A line that goes.
    DiffRemoved = "diff.removed",
    /// Where in a document a difference is.
    DiffPlace = "diff.place",
    /// Name of a field in a document.
    DocKey = "document.key",
    /// Value of a field in a document.
    DocValue = "document.value",
    /// Heading in a document.
    DocHeading = "document.heading",
    /// Good news in a line of its own.
    NoticeGood = "notice.good",
    /// A notice.
    Notice = "notice",
    /// A warning in a line of its own.
    NoticeWarn = "notice.warn",
    /// An error in a line of its own.
    NoticeError = "notice.error",
    /// A text field.
    Input = "input",
    /// What a text field shows while it is empty.
    InputHint = "input.hint",
    /// The place in a text field where characters go.
    InputCursor = "input.cursor",
    /// The ground of a panel that lies over the rest.
    Panel = "panel",
    /// Lines around a panel.
    PanelFrame = "panel.frame",
    /// Title of a panel.
    PanelTitle = "panel.title",
    /// What must be typed to go on.
    Typed = "panel.typed",
    /// What blocks, and what would be lost.
    Danger = "danger",
    /// The part of a bar that is done.
    BarDone = "bar.done",
    /// The rest of a bar.
    BarRest = "bar.rest",
    /// A line of small bars.
    Spark = "spark",
}

impl Role {
    /// Place in tables that hold one entry per role.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.name() == name)
    }

    /// Colours for log sources, handed out in turn.
    pub const SOURCES: [Self; 6] = [Self::Source1, Self::Source2, Self::Source3, Self::Source4, Self::Source5, Self::Source6];

    /// The name and its ancestors, nearest first: `health.ok`, `health`, and at last `text`.
    pub fn chain(self) -> impl Iterator<Item = &'static str> {
        let dotted = std::iter::successors(Some(self.name()), |name| name.rsplit_once('.').map(|(parent, _)| parent));
        dotted.chain(std::iter::once(Self::Text.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn names_are_unique_and_lead_back_to_their_role() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(*role));
        }
    }

    #[test]
    fn a_role_without_an_entry_takes_its_parents_and_in_the_end_plain_text() {
        assert_eq!(Role::FrameFocus.chain().collect::<Vec<_>>(), ["frame.focus", "frame", "text"]);
    }
}
