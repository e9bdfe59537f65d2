//! The choices of a pair (docs/design/interfaces.md, "Settings").
use std::fmt;

macro_rules! choice {
    ($(#[$doc:meta])* $Name:ident { $($(#[$vdoc:meta])* $Variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum $Name {
            $($(#[$vdoc])* #[cfg_attr(feature = "serde", serde(rename = $text))] $Variant),+
        }

        impl $Name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),+];

            /// As written in settings and APIs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $text),+ }
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

choice! {
    /// What a pair gives up: two of three can be had by two hosts alone.
    Mode {
        /// Silence makes the standby active, and the active goes on.
        Availability = "availability",
        /// Never two actives: an active that is not acknowledged closes its outputs.
        NoSplit = "no-split",
        /// Silence moves nobody; a person decides.
        Manual = "manual",
        /// A third party grants the role.
        Arbiter = "arbiter",
    }
}
choice! {
    /// What a node does that hears nobody when it starts.
    StartAlone {
        /// Acts, and shows that it is unverified (`availability` only).
        Assume = "assume",
        /// Acts only if the partner cannot rightly be active.
        Proven = "proven",
    }
}
choice! {
    /// Which of two actives, or of two diverged histories, wins.
    ConflictWinner {
        /// Who has been active longer, each on its own monotonic clock.
        LongestActive = "longest-active",
        /// The higher epoch.
        NewestEpoch = "newest-epoch",
        /// The designated master.
        Master = "master",
    }
}
choice! {
    /// Whether the master takes over again by itself.
    RecoveryMode {
        /// After `recovery.hold` the acting backup hands over.
        Automatic = "automatic",
        /// Nobody moves until asked.
        Manual = "manual",
    }
}
choice! {
    /// Where config data may be written.
    WritableOn {
        /// On the designated master while it is active.
        Master = "master",
        /// On whichever node is active.
        Active = "active",
    }
}
choice! {
    /// What an acknowledgement means, weakest first.
    Ack {
        /// Applied here.
        Local = "local",
        /// The standby has it in memory.
        Replicated = "replicated",
        /// On disk on both nodes.
        Durable = "durable",
    }
}
