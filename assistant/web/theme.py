"""The chat's look in Gradio's own variables; `style.css` does what they cannot.

Paper, ink and one teal, in light and dark; fonts of the reader's system, so that
nothing is fetched. Text on its ground has a contrast of 4.5 to 1 at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")

PAPER, PAPER_DARK = "#f6f5f1", "#14181c"
CARD, CARD_DARK = "#ffffff", "#1c2228"
INK, INK_DARK = "#1f2a33", "#e4e8eb"
SOFT_INK, SOFT_INK_DARK = "#55636e", "#a4b0ba"
LINE, LINE_DARK = "#dedbd2", "#323b43"
TEAL, TEAL_DARK = "#0d5c63", "#7fcbd2"


def calm_theme() -> Base:
    """Build the theme; needs Gradio, so it is built when the page is."""
    import gradio as gr

    theme = gr.themes.Base(font=SANS, font_mono=MONO, radius_size="md", text_size="md")
    return theme.set(
        body_background_fill=PAPER,
        body_background_fill_dark=PAPER_DARK,
        body_text_color=INK,
        body_text_color_dark=INK_DARK,
        body_text_color_subdued=SOFT_INK,
        body_text_color_subdued_dark=SOFT_INK_DARK,
        background_fill_primary=CARD,
        background_fill_primary_dark=CARD_DARK,
        background_fill_secondary=PAPER,
        background_fill_secondary_dark=PAPER_DARK,
        block_background_fill=CARD,
        block_background_fill_dark=CARD_DARK,
        block_border_color=LINE,
        block_border_color_dark=LINE_DARK,
        border_color_primary=LINE,
        border_color_primary_dark=LINE_DARK,
        border_color_accent=TEAL,
        border_color_accent_dark=TEAL_DARK,
        color_accent=TEAL,
        color_accent_soft="#e3efef",
        color_accent_soft_dark="#20343a",
        link_text_color=TEAL,
        link_text_color_dark=TEAL_DARK,
        link_text_color_hover=TEAL,
        link_text_color_hover_dark=TEAL_DARK,
        link_text_color_visited=TEAL,
        link_text_color_visited_dark=TEAL_DARK,
        input_background_fill=CARD,
        input_background_fill_dark=CARD_DARK,
        input_border_color=LINE,
        input_border_color_dark=LINE_DARK,
        input_border_color_focus=TEAL,
        input_border_color_focus_dark=TEAL_DARK,
        input_placeholder_color=SOFT_INK,
        input_placeholder_color_dark=SOFT_INK_DARK,
        button_primary_background_fill=TEAL,
        button_primary_background_fill_dark=TEAL_DARK,
        button_primary_background_fill_hover="#0a484e",
        button_primary_background_fill_hover_dark="#a3dbe0",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#0d1a1c",
        button_secondary_background_fill=CARD,
        button_secondary_background_fill_dark=CARD_DARK,
        button_secondary_background_fill_hover=PAPER,
        button_secondary_background_fill_hover_dark=LINE_DARK,
        button_secondary_text_color=INK,
        button_secondary_text_color_dark=INK_DARK,
    )
