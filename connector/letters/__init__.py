"""Letters: one page a person, from a template a language that an administrator edits; see docs/letters.md.

Drawn by cairo, which writes each page to the file as soon as it is full, and keeps 0.4 KB of it.
The only import of cairo's PDF, of fonts and of the QR code's maker. A key goes on its page and nowhere else.
"""

from connector.letters.paper import Printer
from connector.letters.template import Letter, Template

__all__ = ["Letter", "Printer", "Template"]
