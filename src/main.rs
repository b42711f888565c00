//! The thin binary: hands over to the library.

fn main() {}
