//! Which controls the page speaks to, what it shows for each, and what it does not. No more is claimed than is shown:
//! whether a control is met is for an auditor to say, who sees the rest of the company.
//!
//! Sources: AICPA, Trust Services Criteria (2017, points of focus of 2022); ISO/IEC 27001:2022 annex A; PCI DSS 4.0.1.
//! The wording is ours.

use super::super::book::Closing;
use super::super::population::Standing;
use super::summary::{Summary, number};

/// One control.
pub(super) struct Control {
    pub(super) id: &'static str,
    pub(super) about: &'static str,
    pub(super) shown: String,
    pub(super) not_shown: &'static str,
}

/// All of them, with the figures of this period.
pub(super) fn controls(summary: &Summary, closing: &Closing) -> Vec<Control> {
    let members = closing.members.len();
    let has = |fact: &str| {
        closing
            .members
            .iter()
            .filter(|member| member.about.contains_key(fact))
            .count()
    };
    let within = closing
        .members
        .iter()
        .filter(|member| member.standing == Standing::Compliant)
        .count();
    let (owners, policies) = (has("owner"), has("policy_ref"));
    let rotations = number(summary.rotations(), "rotation");
    let leaks = match summary.longest_leak {
        Some(time) => format!(
            "the longest took {} min from the word of the leak to the refusal",
            time.num_minutes()
        ),
        None => "no leaked key was refused in this period".to_owned(),
    };
    vec![
        Control {
            id: "SOC 2 CC6.1",
            about: "credentials of infrastructure and software are managed",
            shown: format!(
                "{members} secrets with issuer and targets, {owners} of them with an owner; {} old keys observed refused after their replacement",
                summary.refused
            ),
            not_shown: "credentials that rotakey does not manage; see `rotakey audit reconcile`",
        },
        Control {
            id: "SOC 2 CC6.6",
            about: "protection against threats from outside the boundary",
            shown: format!(
                "how long a key stays valid ({within} of {members} within policy); {}, {leaks}",
                number(summary.emergencies, "rotation for a leak")
            ),
            not_shown: "network boundaries, transport encryption, how a leak was detected",
        },
        Control {
            id: "SOC 2 CC7.1–CC7.4",
            about: "deviations are noticed, evaluated and answered",
            shown: format!(
                "{} recorded with opening and closing time, {} open",
                number(summary.all_exceptions(), "exception"),
                summary.open_exceptions()
            ),
            not_shown: "who was alerted and how the incident was handled outside of rotakey",
        },
        Control {
            id: "SOC 2 CC8.1",
            about: "changes are authorised, tested, approved",
            shown: format!(
                "each rotation verified before the old key was revoked, {} rolled back; {} of {rotations} name an approver, {} a ticket; changes of the configuration by digest",
                summary.rolled_back, summary.approved, summary.ticketed
            ),
            not_shown: "that an approval was given: approver and ticket are as the requester stated them",
        },
        Control {
            id: "ISO 27001 A.5.17",
            about: "authentication information is allocated and managed by a process",
            shown: format!("{rotations} with every date from due to refused, and who set each off"),
            not_shown: "people's own passwords; advice to users",
        },
        Control {
            id: "ISO 27001 A.8.24",
            about: "rules for the use of cryptography and the life of keys",
            shown: "activation, replacement and refusal of each key with its fingerprint; the log is a hash chain".to_owned(),
            not_shown: "how the issuer generates and stores keys; strength of algorithms",
        },
        Control {
            id: "PCI DSS 8.6.3",
            about: "secrets of application and system accounts change as often as the targeted risk analysis says, and when compromised",
            shown: format!(
                "interval and age of each key, {policies} of {members} with the reference of the analysis; {} of {} on time",
                summary.due - summary.late(),
                summary.due
            ),
            not_shown: "the risk analysis itself (12.3.1), and the complexity of values that an issuer makes",
        },
    ]
}
