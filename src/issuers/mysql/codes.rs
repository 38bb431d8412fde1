//! What the servers' error codes mean to a rotation (MySQL, "Server Error Message Reference"; MariaDB, "Error Codes").

use crate::model::Fault;

/// Access denied: a wrong password, or a user that does not exist; the server does not say which.
pub(super) const DENIED: [u16; 2] = [1045, 1698];
/// The account cannot be altered, for a reason that is not said.
pub(super) const CANNOT: u16 = 1396;
/// An option of the server forbids the statement.
pub(super) const FORBIDDEN: u16 = 1290;
/// A password has to be seen to be judged.
pub(super) const NO_HASHES: u16 = 1819;
/// There is no such thread: the session has ended by itself.
pub(super) const NO_SUCH_THREAD: u16 = 1094;

/// The failure in words of our own.
///
/// A passing one may have come after the statement had its effect; any other is the server's clear no.
pub(super) fn fault(code: u16) -> Fault {
    let said = |what: &str| format!("{what} ({code})");
    match code {
        1045 | 1698 => Fault::refused(said("user or password are refused")),
        1044 | 1095 | 1142 | 1143 | 1227 => Fault::refused(said("permission denied")),
        1054 | 1146 => Fault::refused(said("the server keeps its accounts in a form that is not known")),
        1129 => Fault::refused(said("the server has blocked this machine"))
            .hint("FLUSH HOSTS, or raise max_connect_errors"),
        1130 => Fault::refused(said("not let in from this machine")),
        FORBIDDEN | 1836 => Fault::refused(said("this server is read-only")).hint("name the primary as `host`"),
        NO_HASHES => Fault::refused(said("the server wants to see passwords, and gets hashes")).hint(
            "SET GLOBAL strict_password_validation = OFF; rotakey's passwords have 48 random letters and digits",
        ),
        1820 | 1862 => Fault::refused(said("the password has expired")),
        3118 | 4151 => Fault::refused(said("the account is locked")),
        3159 | 4150 => Fault::refused(said("the server wants TLS")).hint("give the account a `ca`"),
        1040 | 1203 | 1226 => Fault::passing(said("the server has no connection left")),
        1205 | 1213 => Fault::passing(said("somebody else is changing the same")),
        1053 | 1077..=1080 | 1152..=1161 | 1317 | 1927 | 1969 | 3024 => {
            Fault::passing(said("the server broke off"))
        }
        _ => Fault::refused(said("the server refuses")),
    }
}
