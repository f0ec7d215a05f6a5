//! What an operation is: what it [declares](Declaration), what it [means](Semantics), and the `operation!` that makes of a
//! declaration all that follows from it: the struct, the printer, the reader, IRDL, the term of the e-graph.

use super::application::Application;
use super::attribute::{Attribute, AttributeKind};
use super::evaluation::EvaluationError;
use super::index_bounds::IndexBounds;
use super::parse_error::ParseError;
use super::reader::Reader;
use super::{Op, Operand, VencError};
use crate::HostTensor;
use crate::symbolic::{Dim, Symbols};
use crate::tensor::TensorType;

/// What is known of an operation without one of it at hand.
pub struct Declaration {
    /// Its name, without its dialect.
    pub name: &'static str,
    /// What it is applied to.
    pub operands: &'static [Operand],
    /// What else it says, in order.
    pub attributes: &'static [AttributeDeclaration],
    /// The operation with those attributes; `None` where they are not of the kinds declared.
    pub with_attributes: fn(&[Attribute]) -> Option<Op>,
    /// The operation of that text and result.
    pub(super) parse: fn(&Reader, &TensorType) -> Result<Op, ParseError>,
}

/// An attribute of an operation.
pub struct AttributeDeclaration {
    /// Its name in the text.
    pub name: &'static str,
    /// What values it has.
    pub kind: AttributeKind,
    /// Where the text has it.
    pub place: AttributePlace,
}

/// Where an operation's text has an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributePlace {
    /// In the dictionary: `{eps = 1.0e-6 : f64}`.
    Dictionary,
    /// In the type of the result.
    Result,
    /// It is the name of the operation.
    Name,
}

/// Where the result of an operation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// The tensor of the checkpoint that has that name.
    Checkpoint(&'a str),
    /// The function of the module that has that name.
    Function(&'a str),
    /// The operands and the attributes: it is known wherever they are.
    Operands,
}

/// What an operation means. The number, the ranks and the contents of operands are as declared when this is asked.
pub trait Semantics {
    /// The type of the result.
    fn infer(&self, app: &Application) -> Result<TensorType, VencError>;

    /// Computes the result, whose dimensions `out` has, and zeros. Dimensions among the attributes are constants.
    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError>;

    /// Where the result comes from.
    fn source(&self) -> Source<'_> {
        Source::Operands
    }

    /// What of a module decides whether it is right, rather than the operands alone: that dimensions among the attributes
    /// are declared as what they must be.
    fn verify(&self, _app: &Application, _symbols: &Symbols) -> Result<(), VencError> {
        Ok(())
    }

    /// What the operand that holds indices must be, for operands of those types.
    fn index_bounds(&self, _operands: &[&TensorType]) -> IndexBounds {
        IndexBounds::default()
    }

    /// Whether it gives a permutation of indices, whatever it is given.
    fn gives_permutation(&self) -> bool {
        false
    }

    /// The operand that another is multiplied by, element for element: weights that lie there are near one.
    fn factor(&self) -> Option<usize> {
        None
    }

    /// Where it is a product of matrices, how many products each element of the result sums.
    fn products_summed(&self, _operands: &[&TensorType]) -> Option<Dim> {
        None
    }
}

/// An operation, as its declaration makes it.
pub trait Operation: Semantics {
    /// The declaration.
    fn declaration(&self) -> &'static Declaration;

    /// The name in the text, without the dialect.
    fn name(&self) -> &'static str {
        self.declaration().name
    }

    /// The attributes, as many as are declared.
    fn attributes(&self) -> Vec<Attribute>;

    /// The attributes that the dictionary has, as MLIR writes them, by name.
    fn dictionary(&self) -> Vec<(&'static str, String)>;

    /// The dimensions among the attributes.
    fn dims_mut(&mut self) -> Vec<&mut Dim>;
}

/// Declares an operation: its meaning in words, its name, its operands, and its attributes; after `->` the one that the type
/// of the result says.
///
/// ```text
/// operation! {
///     /// `x[.., n] -> x[.., start : start+length]`.
///     SliceColumns = "slice_columns" (numbers("x").at_least(1)) {
///         /// The first column.
///         start: i64,
///         /// How many columns.
///         length: i64,
///     }
/// }
/// ```
macro_rules! operation {
    ($(#[$meaning:meta])* $name:ident = $text:literal ($($operand:expr),*)) => {
        $(#[$meaning])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name;

        $crate::venc::operation::operation!(@declare $name $text [$($operand),*] {} {});
    };
    ($(#[$meaning:meta])* $name:ident = $text:literal ($($operand:expr),*)
        {$($(#[$what:meta])* $field:ident: $ty:ty,)*}) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$what])* pub $field: $ty,)*
        }

        $crate::venc::operation::operation!(@declare $name $text [$($operand),*] {$($field: $ty,)*} {});
    };
    ($(#[$meaning:meta])* $name:ident = $text:literal ($($operand:expr),*)
        -> {$(#[$what:meta])* $field:ident: $ty:ty,}) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(#[$what])* pub $field: $ty,
        }

        $crate::venc::operation::operation!(@declare $name $text [$($operand),*] {} {$field: $ty,});
    };
    (@declare $name:ident $text:literal [$($operand:expr),*] {$($field:ident: $ty:ty,)*} {$($of_result:ident: $result:ty,)*}) => {
        impl $name {
            /// What is declared of it.
            pub const DECLARATION: $crate::venc::Declaration = $crate::venc::Declaration {
                name: $text,
                operands: &[$($operand),*],
                attributes: &[
                    $($crate::venc::AttributeDeclaration {
                        name: stringify!($field),
                        kind: <$ty as $crate::venc::attribute_type::AttributeType>::KIND,
                        place: $crate::venc::AttributePlace::Dictionary,
                    },)*
                    $($crate::venc::AttributeDeclaration {
                        name: stringify!($of_result),
                        kind: <$result as $crate::venc::attribute_type::AttributeType>::KIND,
                        place: $crate::venc::AttributePlace::Result,
                    },)*
                ],
                with_attributes: |attributes| {
                    let mut attributes = attributes.iter();
                    let op = $name {
                        $($field: $crate::venc::attribute_type::AttributeType::from_attribute(attributes.next()?)?,)*
                        $($of_result: $crate::venc::attribute_type::AttributeType::from_attribute(attributes.next()?)?,)*
                    };
                    attributes.next().is_none().then_some($crate::venc::Op::$name(op))
                },
                parse: |_reader, _result| {
                    Ok($crate::venc::Op::$name($name {
                        $($field: $crate::venc::attribute_type::InDictionary::read(_reader, stringify!($field))?,)*
                        $($of_result: $crate::venc::attribute_type::OfResult::read(_reader, _result)?,)*
                    }))
                },
            };
        }

        impl $crate::venc::Operation for $name {
            fn declaration(&self) -> &'static $crate::venc::Declaration {
                &Self::DECLARATION
            }

            fn attributes(&self) -> Vec<$crate::venc::Attribute> {
                vec![
                    $($crate::venc::attribute_type::AttributeType::attribute(&self.$field),)*
                    $($crate::venc::attribute_type::AttributeType::attribute(&self.$of_result),)*
                ]
            }

            fn dictionary(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($field), $crate::venc::attribute_type::InDictionary::text(&self.$field)),)*]
            }

            fn dims_mut(&mut self) -> Vec<&mut $crate::symbolic::Dim> {
                let dims: [Vec<&mut $crate::symbolic::Dim>; _] = [
                    $($crate::venc::attribute_type::AttributeType::dims_mut(&mut self.$field),)*
                    $($crate::venc::attribute_type::AttributeType::dims_mut(&mut self.$of_result),)*
                ];
                dims.into_iter().flatten().collect()
            }
        }
    };
}

pub(super) use operation;
