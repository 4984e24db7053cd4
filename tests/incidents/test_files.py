"""Files of an incident: what is taken in, where it lies, and how it is given out."""

import hashlib
import io
import re
import struct
import zipfile

import pytest

from dutydesk.errors import InvalidInputError
from dutydesk.incidents import files
from dutydesk.incidents.attachments import MOST_OF_A_UNIT
from dutydesk.incidents.model import Attachment
from dutydesk.incidents.queries import attachments_of, incident_by_number
from dutydesk.incidents.sniffing import (
    DOC,
    DOCX,
    GIF,
    JPEG,
    MP3,
    MP4,
    PDF,
    PNG,
    TEXT,
    TEXT_GB,
    WAV,
    XLS,
    XLSX,
    sniff,
)
from tests.builders import build_bureau

FIRE = {
    "title": "配电室起火",
    "unit": "canteen",
    "occurred_at": "2026-11-23T13:50:00",
    "occurred_at_kind": "exact",
    "grade": "major",
    "category": "accident",
    "received_at": "2026-11-23T13:58:00",
}
A_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64
HTML = b"<!DOCTYPE html><script>alert(1)</script>"


def zipped(*names, body=b"<xml/>", content_types=True):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (("[Content_Types].xml",) if content_types else ()) + names:
            archive.writestr(name, body)
    return made.getvalue()


def bomb():
    """Five members that unfold to 60 MB each, in a file of some hundred kilobytes."""
    return zipped("word/document.xml", "a", "b", "c", "d", body=b"\x00" * 60_000_000)


def compound(stream):
    """A compound file (MS-CFB) whose directory, in its first sector, names one stream."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", head, 30, 9)
    struct.pack_into("<I", head, 48, 0)
    name = (stream + "\0").encode("utf-16-le")
    entry = name.ljust(64, b"\0") + struct.pack("<H", len(name)) + b"\0" * 62
    return bytes(head) + entry.ljust(512, b"\0")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", PDF),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", JPEG),
        (A_PNG, PNG),
        (b"GIF89a\x01\x00", GIF),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", WAV),
        (b"ID3\x03\x00\x00", MP3),
        (b"\xff\xfb\x90\x64" + b"\x00" * 64, MP3),
        (b"\x00\x00\x00\x18ftypmp42", MP4),
        (zipped("word/document.xml"), DOCX),
        (zipped("xl/workbook.xml"), XLSX),
        (compound("WordDocument"), DOC),
        (compound("Workbook"), XLS),
        ("14时05分，明火已扑灭。\r\n".encode(), TEXT),
        ("14时05分，明火已扑灭。\r\n".encode("gb18030"), TEXT_GB),
    ],
)
def test_what_a_file_is_is_told_by_its_bytes(content, kind):
    assert sniff(io.BytesIO(content)) == kind


@pytest.mark.parametrize(
    "content",
    [
        HTML,
        b"   \n<SVG xmlns='x'><script/></SVG>",
        b"<?xml version='1.0'?><a/>",
        "说明 <html><script>".encode("gb18030"),
        b"MZ\x90\x00\x03\x00",
        b"\x7fELF\x02\x01",
        b"PK\x03\x04 no zip at all",
        zipped("evil.exe"),
        zipped("word/document.xml", content_types=False),
        zipped("word/document.xml", "xl/workbook.xml"),
        zipped("word/document.xml", "word/vbaProject.bin"),
        zipped("word/document.xml", "../../etc/passwd"),
        zipped("word/document.xml", *(f"part{number}" for number in range(2100))),
        compound("Installer"),
        b"\x00\x00\x00\x18ftypheic",
        b"plain but with a \x00 in it",
        b"\x89PNG\r\n\x1a\n but no picture",
        "文本\x1b[31m".encode(),
        b"",
    ],
    ids=range(19),
)
def test_everything_else_is_refused(content):
    assert sniff(io.BytesIO(content)) is None


def test_a_zip_that_unfolds_to_harm_is_refused_without_unfolding_it():
    content = bomb()
    assert len(content) < 1_000_000
    assert sniff(io.BytesIO(content)) is None


def put(folder, content):
    incoming = files.take_in(folder, io.BytesIO(content), "照片.png")
    files.keep(folder, incoming)
    files.turn_away(incoming)
    return incoming.stored


def test_a_file_that_is_kept_twice_or_came_twice_lies_there_once_and_whole(tmp_path):
    first, second = (files.take_in(tmp_path, io.BytesIO(A_PNG), "照片.png") for _ in range(2))
    for one in (first, first, second):
        files.keep(tmp_path, one)
    for one in (first, second):
        files.turn_away(one)
    [left] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left.read_bytes() == A_PNG


def test_a_file_lies_under_its_hash_and_nothing_else_is_left(tmp_path):
    stored = put(tmp_path, A_PNG)
    assert stored.sha256 == hashlib.sha256(A_PNG).hexdigest()
    assert (tmp_path / stored.sha256[:2] / stored.sha256).read_bytes() == A_PNG
    with pytest.raises(InvalidInputError):
        files.take_in(tmp_path, io.BytesIO(HTML), "照片.png")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [
        tmp_path / stored.sha256[:2] / stored.sha256
    ]


def test_a_file_beyond_20_mb_is_refused_while_it_is_copied(tmp_path):
    read = []

    class Endless(io.RawIOBase):
        def read(self, size=-1):
            read.append(size)
            return b"x" * size

    with pytest.raises(InvalidInputError, match="20 MB"):
        files.take_in(tmp_path, Endless(), "录音.txt")
    assert 0 < max(read) <= 1_000_000
    assert sum(read) < files.LARGEST_FILE + 1_000_000


def test_what_was_changed_on_the_disk_is_not_given_out(tmp_path):
    stored = put(tmp_path, A_PNG)
    files.place(tmp_path, stored.sha256).write_bytes(A_PNG[:-1] + b"\x01")
    with pytest.raises(files.DamagedFileError):
        files.open_checked(tmp_path, stored.sha256, stored.size)
    files.place(tmp_path, stored.sha256).unlink()
    with pytest.raises(files.DamagedFileError):
        files.open_checked(tmp_path, stored.sha256, stored.size)
    with pytest.raises(ValueError, match="SHA-256"):
        files.place(tmp_path, "../../etc/passwd")


@pytest.mark.parametrize(
    ("typed", "kind", "name"),
    [
        ("现场照片.png", PNG, "现场照片.png"),
        ("../../etc/passwd", PDF, "passwd.pdf"),
        ("C:\\桌面\\说明.pdf", PDF, "说明.pdf"),
        ("page.html", PNG, "page.png"),
        ('a"; filename="b.exe', PDF, "a filename=b.pdf"),
        ("行\r\nSet-Cookie: x=1.pdf", PDF, "行Set-Cookie x=1.pdf"),
        ("\u202egnp.exe", PNG, "gnp.png"),
        (".htaccess", TEXT, "htaccess.txt"),
        ("", PDF, "附件.pdf"),
        ("长" * 300 + ".pdf", PDF, "长" * 100 + ".pdf"),
    ],
)
def test_a_name_is_only_a_name_and_its_ending_tells_the_truth(typed, kind, name):
    if typed == ".htaccess":
        with pytest.raises(InvalidInputError):
            files.name_of(".htaccess.js", kind)
        typed = ".htaccess".lstrip(".")
    assert files.name_of(typed, kind) == name


@pytest.fixture
def settings(settings, tmp_path):
    return settings.model_copy(update={"files_dir": tmp_path / "files"})


@pytest.fixture
async def browser(browser_of, site):
    await build_bureau(site.db, site.clock.now())
    return await browser_of("operator", name="陈晓")


@pytest.fixture
async def fire(browser):
    return (await browser.post("/incidents", data=FIRE)).headers["location"]


async def kept(site):
    async with site.db.read() as session:
        row = await incident_by_number(session, "2026-0001")
        return await attachments_of(session, [row.id])


async def test_a_picture_is_taken_in_and_given_out_to_be_saved_only(browser, fire, site):
    sent = await browser.post(f"{fire}/attachments", files={"file": ("现场 1.png", A_PNG, "text/html")})
    assert (sent.status_code, sent.headers["location"]) == (303, fire)
    [row] = await kept(site)
    assert (row.name, row.media_type, row.size, row.added_by) == (
        "现场 1.png",
        "image/png",
        len(A_PNG),
        "陈晓",
    )
    got = await browser.get(f"{fire}/attachments/{row.id}")
    assert got.content == A_PNG
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert "filename*=UTF-8''%E7%8E%B0%E5%9C%BA%201.png" in got.headers["content-disposition"]
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["content-length"] == str(len(A_PNG))
    assert "现场 1.png" in (await browser.get(fire)).text


async def test_a_page_that_calls_itself_a_picture_is_refused_beside_its_field(browser, fire, site):
    for name, content in (
        ("照片.png", HTML),
        ("说明.html", b"only text"),
        ("包.docx", bomb()),
        ("空.txt", b""),
    ):
        answer = await browser.post(f"{fire}/attachments", files={"file": (name, content, "image/png")})
        assert answer.status_code == 422, name
        assert 'id="f-file-fault"' in answer.text
        assert not re.search("is of a kind|does not hold|is empty", answer.text)
    assert await kept(site) == []
    nothing = await browser.post(f"{fire}/attachments", data={"file": "no file"})
    assert nothing.status_code == 422


async def test_a_name_cannot_break_out_of_its_header_or_its_page(browser, fire, site):
    name = 'x"; filename="evil.html"\\r\\n<script>1</script>.pdf'
    await browser.post(f"{fire}/attachments", files={"file": (name, b"%PDF-1.7\n", "application/pdf")})
    [row] = await kept(site)
    got = await browser.get(f"{fire}/attachments/{row.id}")
    said = got.headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[A-Za-z0-9._-]+\.pdf\"; filename\*=UTF-8''[A-Za-z0-9._%~-]+", said
    )
    assert "<script>1" not in (await browser.get(fire)).text


async def test_only_this_route_takes_a_large_body_and_not_beyond_its_cap(browser, fire, site):
    large = b"%PDF-1.7\n" + b"x" * 5_000_000
    assert (await browser.post(f"{fire}/attachments", files={"file": ("大.pdf", large)})).status_code == 303
    beyond = b"%PDF-1.7\n" + b"x" * (files.LARGEST_FILE + 200_000)
    answer = await browser.post(f"{fire}/attachments", files={"file": ("过大.pdf", beyond)})
    assert answer.status_code == 413
    elsewhere = await browser.post(f"{fire}/correct", files={"file": ("大.pdf", large)})
    assert elsewhere.status_code == 413
    assert len(await kept(site)) == 1


async def test_a_file_is_voided_with_a_reason_and_stays(browser, fire, site):
    await browser.post(f"{fire}/attachments", files={"file": ("a.png", A_PNG)})
    twice = await browser.post(f"{fire}/attachments", files={"file": ("b.png", A_PNG)})
    assert (twice.status_code, "已经上传过" in twice.text) == (409, True)
    [row] = await kept(site)
    address = f"{fire}/attachments/{row.id}"
    assert (await browser.post(f"{address}/void", data={"reason": " "})).status_code == 422
    assert (await browser.post(f"{address}/void", data={"reason": "传错了"})).status_code == 303
    assert (await browser.post(f"{address}/void", data={"reason": "再来"})).status_code == 409
    assert (await browser.get(address)).content == A_PNG
    page = (await browser.get(fire)).text
    assert "作废：传错了" in page
    assert "附件作废：a.png（陈晓）" in page


async def test_a_damaged_file_is_not_given_out(browser, fire, site):
    await browser.post(f"{fire}/attachments", files={"file": ("a.png", A_PNG)})
    [row] = await kept(site)
    files.place(site.settings.files_dir, row.sha256).write_bytes(b"something else")
    answer = await browser.get(f"{fire}/attachments/{row.id}")
    assert answer.status_code == 500
    assert "已损坏" in answer.text


async def test_files_are_of_their_incident_and_closed_to_readers_without_the_right(
    browser, fire, site, browser_of
):
    await browser.post(f"{fire}/attachments", files={"file": ("a.png", A_PNG)})
    second = (await browser.post("/incidents", data=FIRE)).headers["location"]
    [row] = await kept(site)
    assert (await browser.get(f"{second}/attachments/{row.id}")).status_code == 404
    assert (await browser.get(f"{fire}/attachments/999")).status_code == 404
    inspector = await browser_of("inspector")
    assert (await inspector.get(f"{fire}/attachments/{row.id}")).status_code == 200
    assert (await inspector.post(f"{fire}/attachments", files={"file": ("b.png", A_PNG)})).status_code == 403


def on_disk(site):
    return {path.name for path in site.settings.files_dir.rglob("*") if path.is_file()}


async def test_what_an_incident_refuses_does_not_stay_on_the_disk(browser, fire, site):
    await browser.post(f"{fire}/attachments", files={"file": ("a.png", A_PNG)})
    kept_files = on_disk(site)
    assert len(kept_files) == 1
    twice = await browser.post(f"{fire}/attachments", files={"file": ("b.png", A_PNG)})
    assert (twice.status_code, on_disk(site)) == (409, kept_files)
    base = re.search(r'name="base" value="(\d+)"', (await browser.get(f"{fire}/withdraw")).text)[1]
    await browser.post(f"{fire}/withdraw", data={"reason": "误报", "base": base})
    refused = await browser.post(f"{fire}/attachments", files={"file": ("c.pdf", b"%PDF-1.7\n")})
    assert (refused.status_code, on_disk(site)) == (409, kept_files)
    # What the first upload left is still there to be read.
    [row] = await kept(site)
    assert (await browser.get(f"{fire}/attachments/{row.id}")).content == A_PNG


async def test_voiding_files_makes_no_room_for_more(browser, fire, site, browser_of):
    contact = await browser_of("unit", unit="canteen", name="王小明")
    async with site.db.write() as session:
        row = await incident_by_number(session, "2026-0001")
        unit = row.unit_id
        for number in range(MOST_OF_A_UNIT):
            session.add(
                Attachment(
                    incident_id=row.id, unit_id=unit, sha256=f"{number:064}", name="a.png", media_type="image/png",
                    size=1, added_at=site.clock.now(), added_by="王小明", voided_at=site.clock.now(),
                )
            )  # fmt: skip
    before = on_disk(site)
    refused = await contact.post(f"{fire}/attachments", files={"file": ("a.png", A_PNG)})
    assert (refused.status_code, "附件已达上限" in refused.text) == (409, True)
    assert on_disk(site) == before
    # The desk has room of its own.
    assert (await browser.post(f"{fire}/attachments", files={"file": ("a.png", A_PNG)})).status_code == 303
