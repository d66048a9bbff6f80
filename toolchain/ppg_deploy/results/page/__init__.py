"""Results for people: one page of HTML that needs no network, and a table in Markdown."""

from ppg_deploy.results.page.headline import markdown_table
from ppg_deploy.results.page.page import render_page

__all__ = ["markdown_table", "render_page"]
