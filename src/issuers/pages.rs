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

/// Where the next page begins, in a list that says only whether there is `more`: after its last entry. A page that
/// promises more and ends nowhere is not the end of the list, and nothing may be concluded from what it leaves out.
pub(super) fn after<T>(
    page: &[T],
    more: bool,
    id: impl Fn(&T) -> String,
) -> Result<Option<String>, Fault> {
    match (more, page.last()) {
        (false, _) => Ok(None),
        (true, Some(last)) => Ok(Some(id(last))),
        (true, None) => Err(Fault::passing(
            "the list breaks off: an empty page says that there is more",
        )),
    }
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
    fn an_empty_page_that_promises_more_is_no_end() {
        let id = |letter: &&str| (*letter).to_owned();
        assert_eq!(after(&["a", "b"], true, id), Ok(Some("b".to_owned())));
        assert_eq!(after(&["a"], false, id), Ok(None));
        assert_eq!(after(&[], false, id), Ok(None));
        let broken = "the list breaks off: an empty page says that there is more";
        assert_eq!(after(&[], true, id), Err(Fault::passing(broken)));
    }

    #[test]
    fn a_list_in_a_circle_is_left() {
        let round = |_: Option<u8>| Ok((vec![()], Some(1)));
        let fault = all("rings", round).unwrap_err();
        assert_eq!(fault.what, "the list of rings does not end");
    }
}
