//! The text of a saturated module: each e-class with its type and every node that is equal to it.
//!
//! ```text
//! @layer: 412 nodes in 201 classes
//!   #7 : [images, 17, 48] x f32
//!     linear #3 #5
//!     store #31 #2
//! ```

use super::choose::{Saturated, SaturatedFunction};
use egg::Language;
use std::fmt;

impl fmt::Display for Saturated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.functions.iter().try_for_each(|function| write!(f, "{function}"))
    }
}

impl fmt::Display for SaturatedFunction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut classes: Vec<_> = self.egraph.classes().collect();
        classes.sort_by_key(|class| class.id);
        let nodes = self.egraph.total_size();
        writeln!(f, "@{}: {nodes} nodes in {} classes", self.function.name, classes.len())?;
        for class in classes {
            write!(f, "  #{}", class.id)?;
            if let Some(ty) = class.data.ty() {
                write!(f, " : {ty}")?;
            }
            writeln!(f)?;
            for node in &class.nodes {
                write!(f, "    {node}")?;
                node.children()
                    .iter()
                    .try_for_each(|child| write!(f, " #{}", self.egraph.find(*child)))?;
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
