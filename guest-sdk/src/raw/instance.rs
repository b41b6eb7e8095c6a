//! The one live instance of a guest, and the macro that exports it.

use std::cell::RefCell;

use super::{
    Batch, Description, Failure, Fired, Guest, InputSchema, Outcome, Problem, StateChunk,
    TableSchema, place,
};

/// Holds the guest between `open` and the end of the instance. For the code of
/// [`export!`](crate::export) only.
pub struct Instance<G>(RefCell<Option<G>>);

impl<G> Instance<G> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }
}

impl<G> Default for Instance<G> {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Guest> Instance<G> {
    /// [`Guest::describe`], with the panic hook in place.
    ///
    /// # Errors
    /// As the guest.
    pub fn describe(
        params: &str,
        inputs: &[InputSchema],
        tables: &[TableSchema],
    ) -> Result<Description, Vec<Problem>> {
        place::hook();
        G::describe(params, inputs, tables)
    }

    /// [`Guest::open`], keeping what it makes.
    ///
    /// # Errors
    /// As the guest.
    pub fn open(
        &self,
        params: &str,
        inputs: &[InputSchema],
        tables: &[TableSchema],
    ) -> Result<(), Failure> {
        place::hook();
        *self.0.borrow_mut() = Some(G::open(params, inputs, tables)?);
        Ok(())
    }

    /// [`Guest::add_schema`].
    ///
    /// # Errors
    /// As the guest, or when `open` was not called.
    pub fn add_schema(&self, schema: InputSchema) -> Result<(), Failure> {
        self.with(|guest| guest.add_schema(schema))
    }

    /// [`Guest::process`].
    ///
    /// # Errors
    /// As the guest, or when `open` was not called.
    pub fn process(&self, batch: Batch) -> Result<Outcome, Failure> {
        self.with(|guest| guest.process(batch))
    }

    /// [`Guest::advance_watermark`].
    ///
    /// # Errors
    /// As the guest, or when `open` was not called.
    pub fn advance_watermark(&self, time: i64) -> Result<Fired, Failure> {
        self.with(|guest| guest.advance_watermark(time))
    }

    /// [`Guest::tick`].
    ///
    /// # Errors
    /// As the guest, or when `open` was not called.
    pub fn tick(&self, now: i64) -> Result<Fired, Failure> {
        self.with(|guest| guest.tick(now))
    }

    /// [`Guest::save`].
    ///
    /// # Errors
    /// As the guest, or when `open` was not called.
    pub fn save(&self, max_bytes: u32) -> Result<StateChunk, Failure> {
        self.with(|guest| guest.save(max_bytes))
    }

    /// [`Guest::restore`].
    ///
    /// # Errors
    /// As the guest, or when `open` was not called.
    pub fn restore(&self, chunk: StateChunk) -> Result<(), Failure> {
        self.with(|guest| guest.restore(chunk))
    }

    fn with<T>(&self, call: impl FnOnce(&mut G) -> Result<T, Failure>) -> Result<T, Failure> {
        match self.0.borrow_mut().as_mut() {
            Some(guest) => call(guest),
            None => Err(Failure::new("the transform was called before it was opened")),
        }
    }
}

/// Makes a [`Guest`](crate::raw::Guest) the transform of this crate.
///
/// Outside wasm it exports nothing, so that the crate can be tested, and used natively, like any
/// other. A crate exports one transform; `#[transform]` calls this by itself.
#[macro_export]
macro_rules! export {
    ($guest:ty) => {
        // Nothing is exported natively, and yet the transform is no dead code there.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            let _ = <$guest as $crate::raw::Guest>::open;
        };

        #[cfg(target_family = "wasm")]
        #[allow(
            unsafe_code,
            clippy::allow_attributes_without_reason,
            reason = "generated: exports are functions on raw memory"
        )]
        const _: () = {
            ::std::thread_local! {
                static INSTANCE: $crate::raw::Instance<$guest> =
                    const { $crate::raw::Instance::new() };
            }

            struct Exported;

            impl $crate::bindings::exports::millrace::transform::transform::Guest for Exported {
                fn describe(
                    params: ::std::string::String,
                    inputs: ::std::vec::Vec<$crate::raw::InputSchema>,
                    tables: ::std::vec::Vec<$crate::raw::TableSchema>,
                ) -> ::std::result::Result<
                    $crate::raw::Description,
                    ::std::vec::Vec<$crate::raw::Problem>,
                > {
                    $crate::raw::Instance::<$guest>::describe(&params, &inputs, &tables)
                }

                fn open(
                    params: ::std::string::String,
                    inputs: ::std::vec::Vec<$crate::raw::InputSchema>,
                    tables: ::std::vec::Vec<$crate::raw::TableSchema>,
                ) -> ::std::result::Result<(), $crate::raw::Failure> {
                    INSTANCE.with(|instance| instance.open(&params, &inputs, &tables))
                }

                fn add_schema(
                    schema: $crate::raw::InputSchema,
                ) -> ::std::result::Result<(), $crate::raw::Failure> {
                    INSTANCE.with(|instance| instance.add_schema(schema))
                }

                fn process(
                    batch: $crate::raw::Batch,
                ) -> ::std::result::Result<$crate::raw::Outcome, $crate::raw::Failure> {
                    INSTANCE.with(|instance| instance.process(batch))
                }

                fn advance_watermark(
                    time: i64,
                ) -> ::std::result::Result<$crate::raw::Fired, $crate::raw::Failure> {
                    INSTANCE.with(|instance| instance.advance_watermark(time))
                }

                fn tick(
                    now: i64,
                ) -> ::std::result::Result<$crate::raw::Fired, $crate::raw::Failure> {
                    INSTANCE.with(|instance| instance.tick(now))
                }

                fn save(
                    max_bytes: u32,
                ) -> ::std::result::Result<$crate::raw::StateChunk, $crate::raw::Failure> {
                    INSTANCE.with(|instance| instance.save(max_bytes))
                }

                fn restore(
                    chunk: $crate::raw::StateChunk,
                ) -> ::std::result::Result<(), $crate::raw::Failure> {
                    INSTANCE.with(|instance| instance.restore(chunk))
                }
            }

    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}
