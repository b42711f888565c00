//! What is on screen: every widget and every screen as text and as style runs by role.

mod shot;
mod widgets;
