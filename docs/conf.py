"""Build the documentation site with Sphinx: `make site`."""

from importlib.metadata import version as installed

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

# Copy commands without their prompt and output.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"
copybutton_here_doc_delimiter = "EOF"
