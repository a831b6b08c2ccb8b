"""Build the documentation site with Sphinx: `make site`."""

from importlib.metadata import version as installed
from pathlib import Path

project = "calendly-connector"
copyright = "the calendly-connector authors, MIT license"  # noqa: A001 - Sphinx's name
version = release = installed("calendly-connector")

extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 6  # those of GitHub
nitpicky = True

html_theme = "furo"
html_title = f"calendly-connector {version}"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).parent / "search.js")  # a path from the current folder otherwise

# Copy commands without their prompt and output.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"
copybutton_here_doc_delimiter = "EOF"
