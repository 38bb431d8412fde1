//! Lists that a vendor hands out page by page.

use crate::model::Fault;

/// A list that is longer goes round in circles.
const MOST: usize = 1000;

/// Reads a list to its end. `page` fetches what comes after the given mark, or the beginning, and says where the next
/// page begins, if there is one. `what` is what the list is of.
pub(super) fn all<T, Mark>(
    what: &str,
    mut page: impl FnMut(Option<Mark>) -> Result<(Vec<T>, Option<Mark>), Fault>,
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    let mut mark = None;
    for _ in 0..MOST {
        let (found, next) = page(mark)?;
        all.extend(found);
        match next {
            Some(_) => mark = next,
            None => return Ok(all),
        }
    }
    Err(Fault::refused(format!("the list of {what} does not end")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_asked_for_one_after_another_until_there_is_no_next() {
        let page = |mark: Option<u8>| match mark {
            None => Ok((vec!["a", "b"], Some(2))),
            Some(2) => Ok((vec![], Some(3))),
            Some(_) => Ok((vec!["c"], None)),
        };
        assert_eq!(all("letters", page), Ok(vec!["a", "b", "c"]));
    }

    #[test]
    fn a_list_in_a_circle_is_left() {
        let round = |_: Option<u8>| Ok((vec![()], Some(1)));
        let fault = all("rings", round).unwrap_err();
        assert_eq!(fault.what, "the list of rings does not end");
    }
}
