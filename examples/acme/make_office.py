"""Write the PDF, Word, PowerPoint and Excel files of the sample company.

Run it from anywhere, with Python 3.11 or newer:

    python -m venv /tmp/office
    /tmp/office/bin/pip install python-docx==1.2.0 python-pptx==1.0.2 openpyxl==3.1.5 reportlab==5.1.0
    /tmp/office/bin/python examples/acme/make_office.py

The files are the same, byte for byte, on every run with these versions: all
times in them are fixed.
"""

import io
import re
import zipfile
from datetime import date, datetime
from pathlib import Path

from docx import Document
from openpyxl import Workbook
from openpyxl.styles import Font
from pptx import Presentation
from pptx.util import Inches
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

DOCUMENTS = Path(__file__).parent / "documents"
STAMP = datetime(2026, 5, 4, 9, 0, 0)


def store(path: str, save) -> None:
    """Save an Office file with fixed times in its archive and its core part."""
    raw = io.BytesIO()
    save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(DOCUMENTS / path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            body = source.read(name)
            if name == "docProps/core.xml":
                stamp = STAMP.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, body)
            info = zipfile.ZipInfo(name, STAMP.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, body)


def word(path: str, title: str, author: str, blocks: list) -> None:
    """Write a Word file. A block is ("h1" | "h2" | "p" | "ul" | "ol", text) or ("table", rows)."""
    styles = {"h1": "Heading 1", "h2": "Heading 2", "p": None, "ul": "List Bullet", "ol": "List Number"}
    document = Document()
    core = document.core_properties
    core.title, core.author, core.created, core.modified = title, author, STAMP, STAMP
    core.last_modified_by, core.comments = author, ""
    document.add_paragraph(title, style="Title")
    for kind, content in blocks:
        if kind != "table":
            document.add_paragraph(content, style=styles[kind])
            continue
        table = document.add_table(rows=0, cols=len(content[0]), style="Table Grid")
        for index, row in enumerate(content):
            for cell, text in zip(table.add_row().cells, row):
                cell.paragraphs[0].add_run(text).bold = index == 0
        document.add_paragraph()
    store(path, document.save)


def supplier_approval() -> None:
    word("policies/supplier-approval.docx", "Supplier approval and purchasing", "Lucia Brandt", [
        ("p", "Policy of Acme, version 3.1, in force since 1 March 2026. Owner: Lucia Brandt, chief financial officer. Approved by the management team on 17 February 2026."),
        ("h1", "Purpose"),
        ("p", "A wrong supplier can stop production for months or put a wrong number on a certificate. This policy says who may buy what, and what we check before we depend on somebody."),
        ("h1", "Who releases a purchase"),
        ("p", "The amount is the total over the first 12 months, without value added tax. Splitting an order to stay below a limit is a breach of this policy."),
        ("table", [
            ["Amount", "Offers needed", "Released by"],
            ["up to €1,000", "1", "team lead"],
            ["€1,000 to €10,000", "2", "head of department"],
            ["€10,000 to €75,000", "3", "head of department and Lucia Brandt"],
            ["above €75,000", "3", "management team"],
        ]),
        ("p", "Orders are placed in the purchasing tool by Finance Operations. An invoice without an order number goes back to the sender."),
        ("h1", "Approving a new supplier"),
        ("h2", "Ordinary suppliers"),
        ("p", "Finance Operations checks the register of companies, the bank account by a call to a number that we found ourselves, and the list of sanctions. This takes three working days."),
        ("h2", "Critical suppliers"),
        ("p", "A supplier is critical if a failure would stop production or Floe for more than two days, or if it handles customers' data. In addition to the checks above it needs:"),
        ("ul", "a visit or a remote audit by the department that uses it;"),
        ("ul", "a review of security by Samir Haddad, with an answer within ten working days;"),
        ("ul", "a contract for data processing if it sees personal data, checked by Greta Holm;"),
        ("ul", "a plan for what we do if it disappears, with a second source where one exists."),
        ("p", "Critical suppliers are audited again every 24 months. The head of the department keeps the report."),
        ("h2", "Parts for Terns and Skuas"),
        ("p", "A new source for a part that touches the measurement is released by Hélène Marchetti only after a trial with 300 pieces, of which no more than two may fail, and a test of six weeks in the climate chamber."),
        ("h1", "Steps"),
        ("ol", "Describe the need and the amount in the purchasing tool."),
        ("ol", "Attach the offers and say why you prefer one. The cheapest need not win; the reason must be written down."),
        ("ol", "Wait for the checks and the release."),
        ("ol", "Finance Operations orders; you confirm the delivery within five working days."),
        ("h1", "Conflicts of interest"),
        ("p", "If you, your family or a close friend have a share in a supplier, tell Lucia Brandt and stay out of the decision. Gifts are covered in the handbook page on expenses."),
        ("h1", "Payment"),
        ("p", "Our standard term is 30 days net. Advance payments of more than 20 percent need the consent of Lucia Brandt and a bank guarantee above €50,000."),
    ])


def calibration() -> None:
    word("policies/device-calibration.docx", "Calibration of Tern loggers", "Hélène Marchetti", [
        ("p", "Procedure QP-07, revision 5, valid from 2 March 2026. Owner: Hélène Marchetti, quality and calibration, Lyon."),
        ("h1", "Scope"),
        ("p", "This procedure covers the first calibration of every Tern before delivery and the repeated calibration of loggers that come back from customers. It does not cover the humidity and shock sensors of the T3, which are checked but not certified."),
        ("h1", "How often"),
        ("p", "Loggers on the Pharma plan are calibrated every 12 months, all others every 24 months. Floe reminds the customer 60 days before the certificate runs out. After that date the logger shows E-2207 and cannot be assigned to a shipment."),
        ("h1", "Calibration points"),
        ("table", [
            ["Logger", "Points in °C", "Time at each point", "Largest error allowed"],
            ["Tern T2", "-25, 5, 25", "40 minutes", "0.4 °C"],
            ["Tern T3", "-80, -25, 5, 25", "55 minutes", "0.2 °C (at -80: 0.5 °C)"],
            ["Reference probe", "-80, -25, 0, 25, 50", "90 minutes", "0.02 °C"],
        ]),
        ("h1", "Procedure"),
        ("ol", "Let the loggers rest at room temperature for at least four hours."),
        ("ol", "Place no more than 120 loggers in the large chamber, or 24 in the small one, with the reference probe in the middle."),
        ("ol", "Drive to the points from cold to warm. Wait until the reference has changed by less than 0.05 °C in ten minutes before the time counts."),
        ("ol", "Take the mean of the last 30 readings and compare it with the reference."),
        ("ol", "Write the correction into the logger, and measure the point at 5 °C once more."),
        ("ol", "Sign the certificate. Two people must sign for loggers on the Pharma plan."),
        ("h1", "When a logger fails"),
        ("p", "A logger that is outside the largest error is adjusted once. If it fails again, or if it has drifted by more than 0.3 °C since the last calibration, it is scrapped and the customer receives a new one free of charge."),
        ("p", "If a logger came back with an error of more than 1.0 °C, quality tells the customer within two working days which shipments it measured since its last good calibration. This is the customer's basis for deciding about recalls."),
        ("h1", "Records"),
        ("p", "Raw data, certificates and signatures are kept for ten years in the folder of the serial number. The certificate carries a code by which anybody can check it at verify.acme.example."),
        ("h1", "Related documents"),
        ("ul", "Rules of the laboratory: handbook/laboratoire-lyon.md (in French)"),
        ("ul", "Schedule of the second quarter of 2026: mail/2026-05-12-calibration-schedule.eml"),
        ("ul", "An example of expired certificates: tickets/SUP-9087.md"),
    ])


def slide(deck, title: str, bullets: list, notes: str, rows: list = ()) -> None:
    """Add a slide with a title, bullets, an optional table and speaker's notes."""
    page = deck.slides.add_slide(deck.slide_layouts[5 if rows else 1])
    page.shapes.title.text = title
    if rows:
        grid = page.shapes.add_table(len(rows), len(rows[0]), Inches(0.6), Inches(1.8), Inches(8.8), Inches(0.5 * len(rows))).table
        for r, row in enumerate(rows):
            for c, text in enumerate(row):
                grid.cell(r, c).text = text
    else:
        frame = page.placeholders[1].text_frame
        frame.text = bullets[0]
        for line in bullets[1:]:
            frame.add_paragraph().text = line
    page.notes_slide.notes_text_frame.text = notes


def customer_deck() -> None:
    deck = Presentation()
    core = deck.core_properties
    core.title, core.author, core.created, core.modified = "Floe for cold chains", "Ingrid Solheim", STAMP, STAMP
    core.last_modified_by = "Ingrid Solheim"
    cover = deck.slides.add_slide(deck.slide_layouts[0])
    cover.shapes.title.text = "Floe for cold chains"
    cover.placeholders[1].text = "Customer presentation, spring 2026, Acme"
    cover.notes_slide.notes_text_frame.text = "The only deck to be used with customers. Questions about it to Milena Horvat. Replace the logo of the customer on slide 7."
    slide(deck, "What goes wrong on the way", [
        "One pharma shipment in nine leaves its temperature band at least once",
        "Two thirds of the excursions happen during handovers at airports and docks",
        "The person who could act learns of it after the arrival",
    ], "The numbers are our own: 412,000 shipments in Floe in 2025. Say so if asked. Do not name any airport.")
    slide(deck, "How it works", [
        "Tern: a logger in each pallet, measures every ten minutes",
        "Skua: a gateway in the warehouse or truck",
        "Floe: alerts by mail, text message or voice call within 90 seconds of the reading",
        "At the end a signed report, accepted by auditors in 14 countries",
    ], "Hand a Tern around the table at this point. Switch it on before the meeting.")
    slide(deck, "What Nordfisk achieved", [
        "6,400 loggers on the lanes from Bergen and Tromsø to France and Spain",
        "Claims for spoiled fish fell by 38 percent in the first year",
        "Time for a quality report: 4 minutes instead of 50",
        "The loggers paid for themselves after 11 months",
    ], "Torbjørn Aase takes reference calls, but only after Sigrid Haugen has agreed on a date with him. At most two a month.")
    slide(deck, "Plans", [], "Prices are in the price list, never on a slide. Voice calls cost extra on Essential.", [
        ["", "Essential", "Standard", "Pharma"],
        ["History of readings", "36 months", "36 months", "10 years"],
        ["Users included", "5", "25", "unlimited"],
        ["Lane comparison", "no", "yes", "yes"],
        ["Two signatures", "no", "no", "yes"],
        ["Support hours", "8 to 18, Mon to Fri", "6 to 22, every day", "around the clock"],
    ])
    slide(deck, "The first six weeks", [
        "Week 1: kick-off, accounts, map of sites and lanes",
        "Week 2: installation of gateways, two hours per site",
        "Weeks 3 and 4: first lane live, training for shift leaders (90 minutes)",
        "Week 5: alerts tuned together with the quality manager",
        "Week 6: review and plan for the remaining lanes",
    ], "The customer needs one project lead with half a day a week. If nobody is named, do not start: four of the five projects that we had to stop lacked that person.")
    slide(deck, "Next step", [
        "A trial with 20 loggers and one gateway for eight weeks",
        "A goal in writing, agreed today",
        "Contact: sales@acme.example, +49 40 5550 120",
    ], "Ask for the goal before you leave the room.")
    store("sales/floe-customer-deck.pptx", deck.save)


def sheet(book, title: str, header: list, rows: list, formats: dict, widths: list) -> None:
    """Add a sheet with a header row; formats maps a column letter to a number format."""
    page = book.create_sheet(title)
    page.append(header)
    for row in rows:
        page.append(row)
    for cell in page[1]:
        cell.font = Font(bold=True)
    for column, number_format in formats.items():
        for cell in page[column][1:]:
            cell.number_format = number_format
    for index, width in enumerate(widths):
        page.column_dimensions["ABCDEFGHIJ"[index]].width = width
    page.freeze_panes = "A2"


def price_list() -> None:
    book = Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = "Price list 2026", "Milena Horvat"
    book.properties.created = book.properties.modified = STAMP
    january, april = date(2026, 1, 1), date(2026, 4, 1)
    sheet(book, "Hardware", ["SKU", "Product", "List price EUR", "Price from 100 EUR", "Price from 1000 EUR", "Lead time days", "Valid from", "Remark"], [
        ["TRN-T2-01", "Tern T2 logger", 89.00, 82.50, 74.00, 10, january, "calibration certificate included"],
        ["TRN-T3-01", "Tern T3 logger", 149.00, 138.00, 124.50, 15, january, "calibration certificate included"],
        ["TRN-T3-DRY", "Tern T3 logger for dry ice", 172.00, 161.00, 148.00, 30, april, "range down to -90 degrees"],
        ["SKU-G2-01", "Skua G2 gateway", 640.00, 598.00, 545.00, 20, january, "power supply included"],
        ["SKU-G2-VEH", "Skua G2 gateway for vehicles", 715.00, 668.00, 612.00, 25, january, "24 volts, vibration tested"],
        ["ACC-MNT-W", "Wall mount for Skua", 24.50, 21.00, 18.00, 5, january, ""],
        ["ACC-ANT-5", "External antenna, 5 m cable", 58.00, 52.00, 46.50, 12, january, "for metal halls"],
        ["ACC-CSE-20", "Transport case for 20 Terns", 119.00, 109.00, 98.00, 8, january, ""],
        ["SRV-CAL-STD", "Calibration, logger sent in", 31.00, 27.50, 24.00, 12, april, "three points"],
        ["SRV-CAL-SITE", "Calibration at the customer's site, per day", 1450.00, None, None, 30, april, "up to 96 loggers a day, travel extra"],
        ["SRV-INST", "Installation of gateways, per day", 980.00, None, None, 15, january, "travel extra"],
    ], {"C": "#,##0.00", "D": "#,##0.00", "E": "#,##0.00", "G": "yyyy-mm-dd"}, [14, 40, 14, 18, 19, 14, 12, 36])
    sheet(book, "Subscriptions", ["Plan", "Unit", "Price per month EUR", "Minimum units", "Term months", "First answer of support", "Valid from"], [
        ["Essential", "per Tern", 2.40, 50, 12, "next working day", january],
        ["Standard", "per Tern", 3.90, 100, 24, "4 hours", january],
        ["Pharma", "per Tern", 7.60, 100, 36, "1 hour", january],
        ["Gateway connection", "per Skua", 4.20, 1, 12, "as the plan", january],
        ["Voice alerts", "per account", 35.00, 1, 12, "as the plan", january],
        ["Validation package", "per account", 290.00, 1, 36, "1 hour", april],
        ["Mobile data abroad", "per Tern", 0.85, 20, 12, "as the plan", april],
    ], {"C": "#,##0.00", "G": "yyyy-mm-dd"}, [22, 14, 20, 14, 12, 24, 12])
    store("sales/price-list-2026.xlsx", book.save)


CONTRACT = [
    ("1. Parties", [
        "This agreement is made between Acme Sensorik GmbH, Oberhafenstraße 21, 20097 Hamburg, Germany (\"Acme\"), and Bellamy Pharma Logistics Ltd, 8 Wharfedale Park, Leeds LS11 5QD, United Kingdom (\"Bellamy\").",
        "It takes effect on 1 October 2025 (\"Effective Date\").",
    ]),
    ("2. Subject", [
        "2.1 Acme supplies the loggers and gateways listed in Schedule 1, operates the service Floe for Bellamy on the Pharma plan, and calibrates the loggers.",
        "2.2 Bellamy uses the service for its own shipments and those of its clients. Resale to other carriers needs Acme's consent in writing.",
    ]),
    ("3. Term and notice", [
        "3.1 The agreement runs for 36 months from the Effective Date. It is then extended by 12 months at a time unless one party gives notice in writing at least 120 days before the end of the current term.",
        "3.2 Either party may end the agreement with immediate effect for good cause. Good cause is given in particular if the availability under section 6 is below 99.0 percent in three months of any period of six months, or if an invoice remains unpaid for more than 60 days after a reminder.",
        "3.3 After the end of the agreement Acme keeps Bellamy's data available for download for 60 days, and then deletes them as described in its retention policy.",
    ]),
    ("4. Fees and payment", [
        "4.1 The fees are stated in Schedule 1. They are fixed until 30 September 2027. After that Acme may raise them once a year, by no more than the change of the consumer price index for the euro area and never by more than 4 percent.",
        "4.2 Acme invoices subscriptions quarterly in advance and hardware on delivery. Invoices are payable within 45 days of receipt.",
        "4.3 On late payments Bellamy owes interest of 6 percent a year.",
    ]),
    ("5. Delivery, replacement and calibration", [
        "5.1 Acme delivers the first 1,600 loggers by 31 October 2025 and the remainder by 15 January 2026.",
        "5.2 A logger that fails is replaced free of charge unless it was opened or crushed. Acme dispatches the replacement within two working days of Bellamy's report. Acme keeps a reserve of 60 loggers for Bellamy at its site in Leeds.",
        "5.3 Each logger is calibrated every 12 months in batches agreed each quarter. While a batch is in Lyon, Bellamy receives calibrated loggers on loan.",
    ]),
    ("6. Service levels", [
        "6.1 Acme provides an availability of Floe of at least 99.9 percent in each calendar month. The service is available when readings are accepted and alerts are sent. Maintenance that was announced five days ahead, of at most four hours a month, does not count as downtime.",
        "6.2 If the availability is lower, Bellamy receives a credit on the monthly subscription fee: 5 percent if it is below 99.9 percent, 15 percent if it is below 99.5 percent, and 30 percent if it is below 99.0 percent. Acme grants the credit without being asked, with the next invoice.",
        "6.3 An alert leaves Floe within three minutes of the arrival of the reading in 99 percent of the cases in a month.",
        "6.4 Acme answers reports of faults around the clock: within one hour for severity 1 and 2, and on the next working day for severity 3.",
    ]),
    ("7. Data, audits and confidentiality", [
        "7.1 The readings belong to Bellamy. Acme may use them without names for statistics and for improving the service.",
        "7.2 Data are stored in the European Union only. Acme informs Bellamy of a breach of security that concerns its data within 24 hours of becoming aware of it.",
        "7.3 Bellamy may audit Acme once a year with notice of 30 days, and at any time if an authority asks for it. The first two days of an audit are free of charge; each further day costs €1,200.",
        "7.4 Both parties keep confidential what they learn about the other for five years after the end of the agreement.",
    ]),
    ("8. Liability", [
        "8.1 Acme is liable without limit for intent, gross negligence and injury to persons.",
        "8.2 Otherwise the liability of each party in a contract year is limited to 150 percent of the fees paid in that year. Acme is not liable for the value of spoiled goods beyond this limit, even if an alert was late.",
        "8.3 Acme keeps an insurance of at least €5 million for each case of damage and shows the certificate on request.",
    ]),
    ("9. Persons in charge", [
        "For Acme: Daniel Okafor, key account manager, daniel@acme.example. For Bellamy: Fiona Abernethy, director of quality, fiona.abernethy@bellamy.example. They meet every quarter, in turn in Leeds and by video.",
    ]),
    ("10. Final provisions", [
        "10.1 Changes are valid only in writing and signed by both parties.",
        "10.2 The law of England and Wales applies. The courts of Leeds are competent. Before going to court the parties try a mediation of at most 40 days.",
        "10.3 If a provision is invalid, the others remain in force.",
    ]),
]

FEES = [
    ["Item", "Quantity", "Price", "Billed"],
    ["Tern T3, rent included in the subscription", "3,200", "€6.90 per logger and month", "quarterly"],
    ["Skua G2, connection", "145", "€3.50 per gateway and month", "quarterly"],
    ["Skua G2, purchase", "145", "€545.00 each", "on delivery"],
    ["Validation package", "1", "free of charge", ""],
    ["Training in Leeds", "4 days", "€850 per day", "after the event"],
]


def numbered_page(canvas, document) -> None:
    canvas.saveState()
    canvas.setFont("Helvetica", 8)
    canvas.drawString(25 * mm, 12 * mm, "Master agreement Acme / Bellamy, no. BPL-2025-03. Confidential.")
    canvas.drawRightString(A4[0] - 25 * mm, 12 * mm, f"Page {document.page}")
    canvas.restoreState()


def contract() -> None:
    base = getSampleStyleSheet()
    body = ParagraphStyle("body", parent=base["BodyText"], fontSize=10.5, leading=15, spaceAfter=7)
    head = ParagraphStyle("head", parent=base["Heading2"], spaceBefore=10, keepWithNext=True)
    title = ParagraphStyle("title", parent=base["Title"], alignment=TA_CENTER)
    story = [
        Paragraph("Master Agreement", title),
        Paragraph("on temperature monitoring of pharmaceutical shipments", ParagraphStyle("sub", parent=body, alignment=TA_CENTER)),
        Paragraph("Agreement no. BPL-2025-03, signed on 8 September 2025", ParagraphStyle("no", parent=body, alignment=TA_CENTER)),
        Spacer(1, 8 * mm),
    ]
    for heading, clauses in CONTRACT:
        story.append(Paragraph(heading, head))
        story += [Paragraph(clause, body) for clause in clauses]
    story += [
        Spacer(1, 8 * mm),
        Paragraph("Hamburg, 8 September 2025: Ingrid Solheim, vice president of sales, and Lucia Brandt, chief financial officer, for Acme", body),
        Paragraph("Leeds, 8 September 2025: Gareth Bellamy, managing director, for Bellamy", body),
        PageBreak(),
        Paragraph("Schedule 1: Fees", head),
        Paragraph("All prices are without value added tax.", body),
    ]
    table = Table([[Paragraph(cell, body) for cell in row] for row in FEES], colWidths=[62 * mm, 24 * mm, 48 * mm, 28 * mm])
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, "#888888"), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    story += [
        table,
        Paragraph("Additional loggers within the term cost the same. Loggers may be returned, at most 10 percent of the number a year, with notice of 60 days.", body),
        Paragraph("Schedule 2: Severity of faults", head),
        Paragraph("Severity 1: readings are lost or no alerts are sent. Severity 2: a main function fails but nothing is lost. Severity 3: all other faults.", body),
    ]
    path = DOCUMENTS / "sales/bellamy-master-agreement.pdf"
    SimpleDocTemplate(
        str(path), pagesize=A4, invariant=1,
        leftMargin=25 * mm, rightMargin=25 * mm, topMargin=22 * mm, bottomMargin=22 * mm,
        title="Master Agreement Acme / Bellamy", author="Greta Holm",
    ).build(story, onFirstPage=numbered_page, onLaterPages=numbered_page)
    # Invariant files are dated 2000; this one is dated when it was signed.
    path.write_bytes(path.read_bytes().replace(b"D:20000101000000+00'00'", b"D:20250908090000+00'00'"))


def main() -> None:
    supplier_approval()
    calibration()
    customer_deck()
    price_list()
    contract()


if __name__ == "__main__":
    main()
