//! Pages with their blocks made anew.

use crate::Error;
use crate::block::blocks;
use crate::data::Data;
use crate::{effects, figure, table, verdicts};
use std::path::Path;

/// A page and its pictures as they ought to be.
#[derive(Debug, PartialEq)]
pub struct Made {
    /// The page.
    pub text: String,
    /// Name and bytes of each picture.
    pub pictures: Vec<(String, Vec<u8>)>,
}

/// Dots per inch of pictures.
const DPI: f64 = 150.0;

/// Makes the blocks of a page from the data in a folder.
///
/// # Errors
/// What is wrong with a block, or its data.
pub fn made(page: &str, data: &Path) -> Result<Made, Error> {
    let read = |name: &str| Data::read(data, name);
    let (mut text, mut pictures, mut at) = (String::new(), Vec::new(), 0);
    for block in blocks(page)? {
        text.push_str(&page[at..block.made.start]);
        at = block.made.end;
        let markdown = match block.kind {
            "table" => Some(table::markdown(block.settings, read)?),
            "effects" => Some(effects::markdown(block.settings, read)?),
            "verdicts" => Some(verdicts::markdown(block.settings, read)?),
            _ => None,
        };
        if let Some(markdown) = markdown {
            text.push_str(&markdown);
            continue;
        }
        let (settings, figure) = figure::figure(block.settings, read)?;
        text.push_str(&format!("![{}](../images/results/{})\n", settings.alt, settings.file));
        pictures.push((settings.file, figure.scene().png(DPI).map_err(|e| e.to_string())?));
    }
    text.push_str(&page[at..]);
    Ok(Made { text, pictures })
}
