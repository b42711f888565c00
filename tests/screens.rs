//! What is on screen: every widget and every screen as text and as style runs by role.

mod bridge;
mod everywhere;
mod journal;
mod overlays;
mod panels;
mod releases;
mod scene;
mod server;
mod several;
mod shot;
mod states;
mod widgets;
