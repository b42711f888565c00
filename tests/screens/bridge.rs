//! The bridge at every size that people have.

use timonel::theme::Charset;

use super::scene::{frame_with, night};
use super::shot::{Paint, picture, skin};

#[test]
fn the_bridge_at_each_size() {
    for (width, height) in [(80, 24), (120, 36), (140, 45), (200, 50)] {
        let (buffer, _) = frame_with(&mut night(), width, height, &skin(Paint::Roles, Charset::Unicode));
        insta::assert_snapshot!(format!("bridge_{width}x{height}"), picture(&buffer));
    }
}
