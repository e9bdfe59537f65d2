//! The rows of the transition table. Logs, pictures and pages cite them by id.

macro_rules! rules {
    ($($Variant:ident $id:literal $why:literal;)+) => {
        /// Which row of the table was taken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $why] $Variant,)+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),+];

            /// For logs and programs.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$Variant => $id),+ }
            }

            /// For people.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Self::$Variant => $why),+ }
            }
        }
    };
}

rules! {
    PartnerActive "partner-active" "the partner is active: follow it";
    PartnerTakesOver "partner-takes-over" "the partner was ready under our former process and takes over";
    NotMoved "not-moved" "the partner answered that it has not moved: go on";
    Elected "elected" "won the election";
    NotElected "not-elected" "lost the election";
    AloneSole "alone-sole" "alone, and the partner cannot rightly be active";
    AloneUnverified "alone-unverified" "alone, and start_alone = \"assume\"";
    PartnerYielded "partner-yielded" "the unverified partner closed its outputs";
    Promoted "promoted" "promoted by a person";
    BeginSync "begin-sync" "the active is reachable and nothing blocks the sync";
    ModulesMatch "modules-match" "all code modules match";
    WaySettled "way-settled" "the way to transfer data is settled";
    Level "level" "the active says that we are level";
    SyncBroken "sync-broken" "the sync broke off";
    RedundancyLost "redundancy-lost" "the redundancy channel was lost during the sync";
    ActiveLost "active-lost" "the active is not heard, not active or another process now";
    ActiveWentOn "active-went-on" "the active went on without us: our data is stale";
    NotLevel "not-level" "the active does not count us as level";
    Gap "gap" "an entry or a checkpoint is missing";
    ModuleMissing "module-missing" "a module that is deployed on the active is missing here";
    NetworkLost "network-lost" "the required network of this host is down";
    StorageFailed "storage-failed" "the storage of this node failed";
    SettingsDiffer "settings-differ" "a setting that must agree differs";
    Dropped "dropped" "the active dropped us: data was not acknowledged";
    Reinit "reinit" "a person throws this standby's data away";
    BeatMissed "beat-missed" "a beat is missing";
    Hinted "hinted" "the sentinel connection to the active broke";
    BeatsBack "beats-back" "beats are on time again";
    ChannelDegraded "channel-degraded" "one channel is silent, the other is on time";
    Left "left" "the active left cleanly with our positions";
    LeftUnreplicated "left-unreplicated" "the active left with entries that are missing here and that nobody was promised";
    LeftBeyond "left-beyond" "the active left and may have gone on without us";
    Fenced "fenced" "the active's guard says that its process is gone";
    FencedBehind "fenced-behind" "the active's process is gone and it had gone on without us";
    NewerInstance "newer-instance" "the active's process was replaced by a newer one that is not active";
    Silent "silent" "the active is silent on every channel";
    HintUnanswered "hint-unanswered" "the sentinel broke and questions stay unanswered";
    Offered "offered" "the active hands over";
    LateRelease "late-release" "the old active released after we had given up waiting";
    LeftEqual "left-equal" "the active left and our data is proven equal";
    HandBack "hand-back" "the partner could not become active and has our data";
    WinnerFenced "winner-fenced" "the winner of the election is gone before we swapped our data";
    Opened "opened" "the epoch is durable and everything is ready";
    Retried "retried" "the promotion that failed is tried again, for the same reason";
    PromotionFailed "promotion-failed" "the promotion failed";
    Withdrawn "withdrawn" "the offer was withdrawn or not released in time";
    HeardAgain "heard-again" "the partner is heard acting before we opened";
    PartnerSilent "partner-silent" "the standby is silent or does not acknowledge";
    PartnerLeft "partner-left" "the standby left, was fenced or undeployed";
    DropConfirmed "drop-confirmed" "the standby confirmed that it is dropped";
    PartnerBack "partner-back" "a standby is reachable and follows us";
    FenceDue "fence-due" "not acknowledged for fence_after: outputs closed";
    GrantEnding "grant-ending" "the grant is about to end and could not be renewed: outputs closed";
    GrantTaken "grant-taken" "another holds the grant that a person did without: outputs closed";
    GrantNotHeld "grant-not-held" "the grant is not free, or was lost before the outputs opened";
    Stalled "stalled" "our own process stood still";
    OneWay "one-way" "the partner acts under a higher epoch and does not hear us";
    StaleEpoch "stale-epoch" "the partner acts under a newer epoch while we hand over";
    Switchover "switchover" "a person asked for a switchover";
    Recovery "recovery" "the master is ready and has been for the hold time";
    HandOverNetwork "hand-over-network" "our required network is down, the partner's is not";
    HandOverStorage "hand-over-storage" "our storage failed, the partner's works";
    HandOverService "hand-over-service" "a service fails here: the partner takes over";
    HandOverLeave "hand-over-leave" "leaving: the partner takes over first";
    ElectionLost "election-lost" "both were active and the partner wins";
    UnverifiedYields "unverified-yields" "we are unverified and the partner has sole";
    Released "released" "handed over: outputs closed";
    Resumed "resumed" "the handover was called off: on with a newer epoch";
    Yielded "yielded" "outputs closed and the losing entries kept";
    Leave "leave" "left cleanly";
    Undeployed "undeployed" "undeployed by a person";
    Deployed "deployed" "deployed again";
    GuardLost "guard-lost" "our guard is gone";
    PartnerUndeployed "partner-undeployed" "the active was undeployed: nobody takes over";
}
