"""What DOCX, PPTX, ODT, XLSX and EPUB hold besides prose: from raw XML or by other libraries."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from assistant.reading import archive, spreadsheet
from assistant.reading.book import read_epub
from assistant.reading.extracted import UnreadableNoteError
from assistant.reading.notebook import read_notebook
from assistant.reading.open_document import read_odp, read_odt
from assistant.reading.slides import read_pptx
from assistant.reading.spreadsheet import read_csv, read_xlsx
from assistant.reading.word import read_docx

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_WORD = (
    '<w:{root} xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    f'xmlns:m="{_OFFICE}/math" xmlns:r="{_OFFICE}/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:v="urn:schemas-microsoft-com:vml">{content}</w:{root}>'
)


def zipped(entries: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in entries.items():
            written.writestr(name, content)
    return stream.getvalue()


def saved(document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def word_file(body: str, **parts: str) -> bytes:
    """A DOCX of this body; `footnotes`, `endnotes` or `styles` are the contents of parts."""
    types = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_TYPES}.{name}+xml"/>'
        for name in parts
    )
    relations = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/relationships/{name}" Target="{name}.xml"/>'
        for name in parts
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" '
            f'ContentType="{_TYPES}.document.main+xml"/>{types}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="d" '
            f'Type="{_OFFICE}/relationships/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
            "word/document.xml": _WORD.format(root="document", content=f"<w:body>{body}</w:body>"),
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}/relationships">'
            f"{relations}</Relationships>",
            **{
                f"word/{name}.xml": _WORD.format(root=name, content=content)
                for name, content in parts.items()
            },
        }
    )


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def test_footnotes_and_endnotes_follow_their_paragraph() -> None:
    body = (
        f'<w:p>{run("La loi d’Ohm")}<w:r><w:footnoteReference w:id="2"/></w:r>{run(" suffit")}'
        '<w:r><w:endnoteReference w:id="3"/></w:r></w:p>'
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>U</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>volt"
        '</w:t></w:r><w:r><w:footnoteReference w:id="4"/></w:r></w:p></w:tc></w:tr></w:tbl>'
        f"<w:p>{run('Suite.')}</w:p>"
    )
    separator = '<w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
    data = word_file(
        body,
        footnotes=f'{separator}<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/></w:r>'
        f"{run(' Georg Ohm, ')}</w:p><w:p>{run('1827.')}</w:p></w:footnote>"
        f'<w:footnote w:id="4"><w:p>{run("Unité SI.")}</w:p></w:footnote>',
        endnotes=f'<w:endnote w:id="3"><w:p>{run("En continu.")}</w:p></w:endnote>',
    )
    assert read_docx(data, "x.docx").text == (
        "La loi d’Ohm[^2] suffit[^fin3]\n\n[^2]: Georg Ohm, 1827.\n\n[^fin3]: En continu.\n\n"
        "| U | volt[^4] |\n| --- | --- |\n\n[^4]: Unité SI.\n\nSuite.\n"
    )


def term(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        (
            f"<m:sSub><m:e>{term('E')}</m:e><m:sub>{term('c')}</m:sub></m:sSub>{term('=')}"
            f"<m:f><m:num>{term('1')}</m:num><m:den>{term('2')}</m:den></m:f>{term('m')}"
            f"<m:sSup><m:e>{term('v')}</m:e><m:sup>{term('2')}</m:sup></m:sSup>",
            r"E_{c}=\frac{1}{2}mv^{2}",
        ),
        (
            "<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr>"
            f"<m:sub>{term('i=1')}</m:sub><m:sup>{term('n')}</m:sup><m:e>{term('i')}</m:e></m:nary>",
            r"\sum_{i=1}^{n} i",
        ),
        (
            f"<m:rad><m:deg/><m:e><m:d><m:e>{term('a+b')}</m:e></m:d></m:e></m:rad>",
            r"\sqrt{(a+b)}",
        ),
        (
            f"<m:m><m:mr><m:e>{term('a')}</m:e><m:e>{term('b')}</m:e></m:mr>"
            f"<m:mr><m:e>{term('c')}</m:e><m:e>{term('d')}</m:e></m:mr></m:m>",
            r"\begin{matrix}a & b \\ c & d\end{matrix}",
        ),
        (
            f"<m:func><m:fName>{term('sin')}</m:fName><m:e>{term('x')}</m:e></m:func>"
            f"<m:acc><m:e>{term('u')}</m:e></m:acc>",
            "sin xu",
        ),
        (  # a brace that opens a system of equations is no group, and a sign no markup
            f"<m:d><m:dPr><m:begChr m:val='{{'/><m:endChr m:val=''/></m:dPr>"
            f"<m:e>{term('5% &amp; 3$')}</m:e></m:d>",
            r"\{5\% \& 3\$",
        ),
    ],
)
def test_formulas_are_latex(formula: str, latex: str) -> None:
    inline = f"<w:p>{run('Soit ')}<m:oMath>{formula}</m:oMath>{run('.')}</w:p>"
    alone = f"<w:p><m:oMathPara><m:oMath>{formula}</m:oMath></m:oMathPara></w:p>"
    assert read_docx(word_file(inline + alone), "x").text == f"Soit ${latex}$.\n\n${latex}$\n"


def test_a_text_box_is_read_once() -> None:
    box = f"<w:txbxContent><w:p>{run('À retenir')}</w:p><w:p>{run('U = RI')}</w:p></w:txbxContent>"
    body = (
        f"<w:p>{run('Avant.')}<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>"
        f"<wp:docPr id='1' name='Zone 1' descr='Un encadré'/><wps:txbx>{box}</wps:txbx></w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback>"
        f"</mc:AlternateContent></w:r></w:p><w:p>{run('Après.')}</w:p>"
    )
    text = read_docx(word_file(body), "x").text
    assert text == "Avant.![Un encadré]()\n\nÀ retenir\n\nU = RI\n\nAprès.\n"


def test_an_old_text_box_in_a_picture_is_read() -> None:
    box = f"<w:txbxContent><w:p>{run('À retenir')}</w:p></w:txbxContent>"
    body = f"<w:p><w:r><w:pict><v:textbox>{box}</v:textbox></w:pict></w:r></w:p>"
    assert read_docx(word_file(body), "x").text == "À retenir\n"


def test_merged_cells_keep_their_columns() -> None:
    import docx

    document = docx.Document()
    table = document.add_table(3, 3)
    for row, words in enumerate([["Jour", "Cours", "Salle"], ["lundi", "C", "1"], ["", "D", ""]]):
        for column, word in enumerate(words):
            table.cell(row, column).text = word
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(2, 1).merge(table.cell(2, 2))
    assert read_docx(saved(document), "x").text == (
        "| Jour | Cours | Salle |\n| --- | --- | --- |\n| lundi | C | 1 |\n| lundi | D |  |\n"
    )


def test_a_table_in_a_cell_is_read_once() -> None:
    import docx

    document = docx.Document()
    table = document.add_table(2, 2)
    for cell, word in zip(table._cells, "abcd", strict=True):
        cell.text = word
    inner = table.cell(1, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "e", "f"
    text = read_docx(saved(document), "x").text
    assert text == "| a | b |\n| --- | --- |\n| c | d e f |\n"


def test_code_is_fenced_by_its_style_or_its_font() -> None:
    import docx
    from docx.enum.style import WD_STYLE_TYPE

    document = docx.Document()
    document.styles.add_style("Source Code", WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("Lancez :")
    document.add_paragraph("for x in y:", style="Source Code")
    document.add_paragraph("    print(x)", style="Source Code")
    document.add_paragraph("Puis :")
    document.add_paragraph().add_run("# make test").font.name = "Courier New"
    mixed = document.add_paragraph("La commande ")
    mixed.add_run("ls").font.name = "Consolas"
    assert read_docx(saved(document), "x").text == (
        "Lancez :\n\n```\nfor x in y:\n    print(x)\n```\n\nPuis :\n\n```\n# make test\n```\n\n"
        "La commande ls\n"
    )


def test_what_is_seen_is_read_and_what_is_deleted_is_not() -> None:
    body = (
        f'<w:p>{run("Voir ")}<w:hyperlink r:id="x">{run("le site")}</w:hyperlink>{run(", ")}'
        f'<w:ins w:id="1">{run("ajouté")}</w:ins><w:del w:id="2"><w:r><w:delText>ôté</w:delText>'
        "</w:r></w:del>"
        f'<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run(" p. 3")}'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:br/><w:t>ligne</w:t>'
        "<w:noBreakHyphen/><w:t>deux</w:t></w:r></w:p>"
        f"<w:sdt><w:sdtContent><w:p>{run('Encadré.')}</w:p></w:sdtContent></w:sdt>"
    )
    assert read_docx(word_file(body), "x").text == (
        "Voir le site, ajouté p. 3\nligne-deux\n\nEncadré.\n"
    )


def test_headings_by_style_in_french_or_by_level() -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="Titre2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Mien"><w:name w:val="Mien"/>'
        '<w:basedOn w:val="Titre2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="TM1"><w:name w:val="toc 1"/></w:style>'
    )
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{run(words)}</w:p>'
        for style, words in (("TM1", "Piles ... 3"), ("Titre2", "Piles"), ("Mien", "Files"))
    )
    body += f'<w:p><w:pPr><w:outlineLvl w:val="2"/></w:pPr>{run("Tas")}</w:p>'
    body += f"<w:p>{run('# pas un titre')}</w:p>"
    text = read_docx(word_file(body, styles=styles), "x").text
    assert text == "## Piles\n\n## Files\n\n### Tas\n\n\\# pas un titre\n"


def test_slides_hold_tables_groups_charts_and_notes() -> None:
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Mesures"
    place = (Inches(1), Inches(1), Inches(4), Inches(1))
    table = slide.shapes.add_table(2, 2, *place).table
    for index, words in enumerate(["Grandeur", "Unité", "tension", "volt | V"]):
        table.cell(index // 2, index % 2).text = words
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(*place).text_frame.text = "Dans un groupe"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Élèves", (12, 15.5))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
    notes = slide.notes_slide.notes_text_frame
    notes.text = "Dire pourquoi.\nMontrer."
    assert read_pptx(saved(presentation), "x").text == (
        "## Mesures\n\n| Grandeur | Unité |\n| --- | --- |\n| tension | volt \\| V |\n\n"
        "Dans un groupe\n\n|  | Élèves |\n| --- | --- |\n| 2023 | 12 |\n| 2024 | 15.5 |\n\n"
        "Notes : Dire pourquoi.\n\nMontrer.\n"
    )


def test_an_empty_slide_counts_but_is_not_written() -> None:
    import pptx

    presentation = pptx.Presentation()
    for words in ("Un", "", "Trois"):
        slide = presentation.slides.add_slide(presentation.slide_layouts[6 if not words else 5])
        if words:
            slide.shapes.title.text = words
    extracted = read_pptx(saved(presentation), "x")
    assert extracted.text == "## Un\n\n## Trois\n"
    assert [place.number for place in extracted.places] == [1, 3]


def test_open_document_notes_tables_code_and_formulas() -> None:
    from odf.opendocument import OpenDocumentText
    from odf.style import Style
    from odf.table import CoveredTableCell, Table, TableCell, TableRow
    from odf.text import LineBreak, Note, NoteBody, NoteCitation, P, S

    document = OpenDocumentText()
    document.styles.addElement(Style(name="Preformatted_20_Text", family="paragraph"))
    paragraph = P(text="Avec note")
    note = Note(noteclass="footnote", id="n1")
    note.addElement(NoteCitation(text="1"))
    body = NoteBody()
    body.addElement(P(text="Dite en bas."))
    note.addElement(body)
    paragraph.addElement(note)
    paragraph.addElement(LineBreak())
    paragraph.addText("deux")
    paragraph.addElement(S(c=3))
    paragraph.addText("trois")
    document.text.addElement(paragraph)
    table = Table()
    for cells in (["Nom", "Type", "Rôle"], ["IP", "réseau", "adresser"]):
        row = TableRow()
        for words in cells:
            cell = TableCell()
            cell.addElement(P(text=words))
            row.addElement(cell)
        table.addElement(row)
    row = TableRow()
    wide = TableCell(numbercolumnsspanned=2)
    wide.addElement(P(text="large"))
    row.addElement(wide)
    row.addElement(CoveredTableCell())
    last = TableCell()
    last.addElement(P(text="fin"))
    row.addElement(last)
    table.addElement(row)
    document.text.addElement(table)
    for line in ("x = 1", "print(x)"):
        document.text.addElement(P(stylename="Preformatted_20_Text", text=line))
    assert read_odt(saved(document), "x").text == (
        "Avec note[^1]\ndeux   trois\n\n[^1]: Dite en bas.\n\n"
        "| Nom | Type | Rôle |\n| --- | --- | --- |\n| IP | réseau | adresser |\n"
        "| large |  | fin |\n\n```\nx = 1\nprint(x)\n```\n"
    )


def test_slides_of_open_document_keep_notes_and_tables() -> None:
    ns = "urn:oasis:names:tc:opendocument:xmlns"
    names = {
        "office": f"{ns}:office:1.0", "text": f"{ns}:text:1.0", "draw": f"{ns}:drawing:1.0",
        "table": f"{ns}:table:1.0", "presentation": f"{ns}:presentation:1.0",
    }  # fmt: skip
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in names.items())
    cells = "".join(
        f"<table:table-cell><text:p>{word}</text:p></table:table-cell>" for word in ("a", "b")
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:presentation><draw:page>"
        '<draw:frame presentation:class="title"><draw:text-box><text:p>Titre</text:p>'
        "</draw:text-box></draw:frame><draw:frame><table:table><table:table-row>"
        f"{cells}</table:table-row><table:table-row>{cells}</table:table-row></table:table>"
        '</draw:frame><draw:frame presentation:class="footer"><draw:text-box><text:p>bas'
        "</text:p></draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box>"
        "<text:p>À dire.</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"
        "</office:presentation></office:body></office:document-content>"
    )
    assert read_odp(zipped({"content.xml": content}), "x").text == (
        "## Titre\n\n| a | b |\n| --- | --- |\n| a | b |\n\nNotes : À dire.\n"
    )


def test_encrypted_open_documents_are_named() -> None:
    manifest = (
        '<manifest:manifest xmlns:manifest="m"><manifest:encryption-data/></manifest:manifest>'
    )
    data = zipped({"content.xml": "\x12\x34", "META-INF/manifest.xml": manifest})
    for reader in (read_odt, read_odp):
        with pytest.raises(UnreadableNoteError, match="mot de passe"):
            reader(data, "x")


def book(**entries: str) -> bytes:
    return zipped(
        {
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="p.opf"/>'
            "</rootfiles></container>",
            "p.opf": '<package><manifest><item id="a" href="un%20deux.xhtml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
            "un deux.xhtml": "<html><body><h1>Un</h1><p>Texte.</p></body></html>",
        }
        | {f"META-INF/{name}.xml": content for name, content in entries.items()}
    )


def encryption(target: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:CipherData>'
        f'<enc:CipherReference URI="{target}"/></enc:CipherData></enc:EncryptedData></encryption>'
    )


def test_a_book_with_drm_is_named_and_hidden_fonts_are_none() -> None:
    assert read_epub(book(encryption=encryption("fonts/a.otf")), "x").text == "# Un\n\nTexte.\n"
    for entries in ({"rights": "<r/>"}, {}):  # of Adobe; of Readium and others
        with pytest.raises(UnreadableNoteError, match="DRM"):
            read_epub(book(encryption=encryption("un%20deux.xhtml"), **entries), "x")


def test_embedded_pictures_of_a_notebook_leave_their_words() -> None:
    blob = "data:image/png;base64," + "A1+/" * 140_000
    cells = [f"Avant ![la pile]({blob}) après.", f'Avec <img alt="x" src="{blob}"/> ensuite.']
    notebook = {"cells": [{"cell_type": "markdown", "source": cell} for cell in cells]}
    assert read_notebook(json.dumps(notebook).encode(), "x.ipynb").text == (
        'Avant ![la pile]() après.\n\nAvec <img alt="x" src=""/> ensuite.\n'
    )


def test_tab_separated_values() -> None:
    data = 'nom\tprix\n"thé; vert"\t1,5\n\neau\t0\n'.encode()
    extracted = read_csv(data, "x.tsv")
    assert extracted.text == "| nom | prix |\n| --- | --- |\n| thé; vert | 1,5 |\n| eau | 0 |\n"
    assert [place.number for place in extracted.places] == [1, 2, 4]


def test_a_quoted_line_break_keeps_the_lines_right() -> None:
    extracted = read_csv(b'a,b\n"x\ny",1\nz,2\n', "x.csv")
    assert extracted.text == "| a | b |\n| --- | --- |\n| x y | 1 |\n| z | 2 |\n"
    assert [place.number for place in extracted.places] == [1, 2, 4]


def test_sheets_show_values_dates_and_no_hidden_sheet() -> None:
    from datetime import datetime

    import openpyxl

    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Notes"
    sheet.append(["Relevé du trimestre"])
    sheet.append([])
    sheet.append(["Nom", "Date", "Note", "Admis"])
    sheet.append(["Ada", datetime(2024, 9, 30), 0.1 + 0.2, True])
    sheet.append(["Alan", datetime(2024, 9, 30, 14, 5), 12, False])
    workbook.create_sheet("Caché").append(["secret", "x"])
    workbook["Caché"].sheet_state = "hidden"
    assert read_xlsx(saved(workbook), "x").text == (
        "## Notes\n\nRelevé du trimestre\n\n| Nom | Date | Note | Admis |\n"
        "| --- | --- | --- | --- |\n| Ada | 2024-09-30 | 0.3 | VRAI |\n"
        "| Alan | 2024-09-30 14:05 | 12 | FAUX |\n"
    )


def test_too_many_cells_or_entries_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    import openpyxl

    workbook = openpyxl.Workbook()
    for row in range(6):
        workbook.active.append([row, row])
    monkeypatch.setattr(spreadsheet, "CELLS", 10)
    with pytest.raises(UnreadableNoteError, match="plus de 10 cellules"):
        read_xlsx(saved(workbook), "x")
    with pytest.raises(UnreadableNoteError, match="plus de 10 cellules"):
        read_csv(b"a;b\n" * 6, "x.csv")
    monkeypatch.setattr(archive, "ENTRIES", 5)
    with pytest.raises(UnreadableNoteError, match="trop de fichiers"):
        read_xlsx(saved(workbook), "x")


def test_much_text_in_one_entry_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "XML_BYTES", 1000)
    with pytest.raises(UnreadableNoteError, match="de texte"):
        read_docx(word_file(f"<w:p>{run('mot ' * 300)}</w:p>"), "x")
