//! `subset!`: an enum of some of the operations.

/// Declares an enum of those operations, with the way in and out of [`Op`](super::Op).
///
/// ```text
/// subset! {
///     /// What can be read without moving it.
///     #[derive(Clone, Debug, PartialEq)]
///     pub View { SliceColumns, Reshape }
/// }
/// ```
macro_rules! subset {
    ($(#[$what:meta])* $visibility:vis $subset:ident { $($name:ident),* $(,)? }) => {
        $(#[$what])*
        $visibility enum $subset {
            $(#[doc = concat!("See [`", stringify!($name), "`](crate::venc::", stringify!($name), ").")]
            $name($crate::venc::$name),)*
        }

        $(impl From<$crate::venc::$name> for $subset {
            fn from(op: $crate::venc::$name) -> Self {
                $subset::$name(op)
            }
        })*

        impl From<$subset> for $crate::venc::Op {
            fn from(op: $subset) -> Self {
                match op {
                    $($subset::$name(op) => op.into(),)*
                }
            }
        }

        impl $subset {
            /// What is declared of each of them.
            pub const DECLARATIONS: &[&$crate::venc::Declaration] =
                &[$(&$crate::venc::$name::DECLARATION),*];

            /// The operation as one; `None` where it is none.
            pub fn of(op: &$crate::venc::Op) -> Option<Self> {
                match op {
                    $($crate::venc::Op::$name(op) => Some($subset::$name(op.clone())),)*
                    _ => None,
                }
            }

            /// The operation, whichever it is.
            pub fn operation(&self) -> &dyn $crate::venc::Operation {
                match self {
                    $($subset::$name(op) => op,)*
                }
            }
        }
    };
}

pub(crate) use subset;
