"""Chinese pages, and the same pages in English with nothing forgotten."""

import re
import subprocess
import sys
from datetime import timedelta
from html import unescape

import httpx2
import pytest
from jinja2 import DictLoader, Environment
from sqlmodel import select

from dutydesk.accounts.rules import Actor
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.people.model import Person
from dutydesk.web import words
from dutydesk.web.languages import (
    LANGUAGE_COOKIE,
    LANGUAGES,
    Languages,
    is_chinese,
    language,
    places,
    say,
    set_language,
)
from dutydesk.web.sentences import sentence
from dutydesk.web.translating import add_languages
from dutydesk.worker import Clockwork
from tests.builders import build_bureau
from tests.conftest import HERE, ROOT
from tools.catalogue import (
    CatalogueError,
    faults_of,
    messages,
    present,
    python_messages,
    template_messages,
    written,
)

ENGLISH = {LANGUAGE_COOKIE: "en"}


@pytest.fixture
def english():
    """The test's own language, as a request's would be."""
    set_language("en")
    yield
    set_language(None)


# ---------------------------------------------------------------------------------------------------------------------
# The catalogue


def test_every_message_has_english_with_the_same_placeholders():
    assert faults_of(messages(), present()) == []


def test_the_catalogue_is_what_the_tool_would_write():
    command = [sys.executable, "tools/catalogue.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_translation_is_kept_and_what_is_gone_is_dropped():
    known = present()
    text = written(["短信", "全新的说法"], known)
    assert 'msgid "短信"\nmsgstr "SMS"' in text
    assert 'msgid "全新的说法"\nmsgstr ""' in text
    assert "值班台" not in text
    assert faults_of(["全新的说法"], known) == ["no English yet: 全新的说法"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('f"第{number}版"', "an f-string cannot be translated"),
        ('"第{x}版".format(x=1)', "before the translation"),
        ('"第%d版" % number', "a sum of texts"),
        ('name + "已到"', "a sum of texts"),
        ('"、".join(names)', "the mark between is a message too"),
    ],
)
def test_a_chinese_text_that_is_put_together_is_named(source, said):
    with pytest.raises(CatalogueError, match=rf"pages\.py:2: .*{said}"):
        list(python_messages(f'"""文档"""\ntitle = {source}\n', "pages.py"))


def test_docstrings_are_no_messages():
    found = list(
        python_messages('"""模块"""\n\n\ndef act():\n    """做事"""\n    return "登记"\n', "pages.py")
    )
    assert found == ["登记"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<option value=值班>", "put the attribute in quotes"),
        ("{% trans n=1 %}有<b>{{ n }}</b>处{% endtrans %}", "text only"),
        ("{{ words.GRADES[row.grade] }}", r"words\.GRADES\[…\]\|t"),
        ("{{ words.BASES.get(row.base, row.base)|upper }}", "the tables of words are Chinese"),
        ("{% trans n=1 %}{{ n }}处{% pluralize %}{{ n }}处{% endtrans %}", "no pluralize"),
    ],
)
def test_a_template_that_cannot_be_translated_is_named(source, said):
    with pytest.raises(CatalogueError, match=said):
        list(template_messages(source, "page.html"))


# ---------------------------------------------------------------------------------------------------------------------
# Templates

PAGE = """\
<p class="banner" title='值班'>  值班室 <b>电话</b>
  {% if known %}内&nbsp;容{% endif %} {{ "短信" if known else "无" }}</p>
{% trans count=n %}共{{ count }}项，100%{% endtrans %}
<i data-name="{{ name }}" aria-label="{{ name }} 到期">{{ name }}</i>
"""
WORDS = {
    "值班": "On duty",
    "值班室": "Duty room",
    "电话": "Phone",
    "内\xa0容": "Content",
    "短信": "<script>SMS</script>",
    "共{count}项，100%": "{count} items, 100%",
    "到期": 'due "now"',
}


def drawn(source, translate, **values):
    made = Environment(loader=DictLoader({"page": source}), autoescape=True)
    add_languages(made, translate)
    return made.get_template("page").render(values)


def test_markup_stays_as_it_is_around_what_is_translated():
    page = drawn(PAGE, lambda text: WORDS.get(text, text), known=True, n=3, name="<甲>")
    assert page == (
        "<p class=\"banner\" title='On duty'>  Duty room <b>Phone</b>\n"
        "  Content &lt;script&gt;SMS&lt;/script&gt;</p>\n"
        "3 items, 100%\n"
        '<i data-name="&lt;甲&gt;" aria-label="&lt;甲&gt; due &#34;now&#34;">&lt;甲&gt;</i>'
    )


def test_without_another_language_the_template_is_what_it_says():
    page = drawn(PAGE, None, known=True, n=3, name="甲")
    assert "<p class=\"banner\" title='值班'>  值班室 <b>电话</b>\n  内&nbsp;容 短信</p>" in page
    assert "共3项，100%" in page


def test_what_has_no_words_stays_chinese():
    assert drawn(PAGE, str, known=True, n=3, name="甲") == drawn(PAGE, None, known=True, n=3, name="甲")


def test_the_messages_of_a_template_are_those_that_are_looked_up():
    assert set(template_messages(PAGE, "page.html")) == {*WORDS, "无"}


@pytest.mark.parametrize(
    "source", ["值班室", '<a title="值班室">', "{{ '值班室' }}", "{% trans %}值班室{% endtrans %}"]
)
def test_script_in_a_translation_stays_text(source):
    page = drawn(source, lambda _text: '"><script>alert(1)</script>{{ 7 * 7 }}')
    assert "<script" not in page
    assert '"">' not in page
    assert "49" not in page


# ---------------------------------------------------------------------------------------------------------------------
# Python


@pytest.mark.usefixtures("english")
def test_python_says_its_texts_in_english():
    assert say("短信") == "SMS"
    assert say("{report}已到", report="{who}") == "{who} received"
    assert say("没有人翻译过{x}", x=1) == "没有人翻译过1"
    assert words.span(1104) == "18 min 24 s"
    assert words.span(3900) == "1 h 05 min"
    assert words.proof("+8613800000001 按键1") == "+8613800000001 pressed key 1"
    assert sentence("at: lies in the future") == "Must not be later than now"


def test_without_values_braces_are_left_alone():
    assert say("{who} 已确认") == "{who} 已确认"
    assert say("{who} 已确认", other=1) == "{who} 已确认"
    assert places("{who} {0} {a.b} {at}") == {"who", "at"}


async def spoken(cookie):
    """Return the language in which a request with that cookie is answered."""
    heard = []

    async def app(_scope, _receive, send):
        heard.append(language())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    transport = httpx2.ASGITransport(Languages(app))
    async with httpx2.AsyncClient(transport=transport, base_url=HERE) as client:
        await client.get("/", headers={"Cookie": cookie})
    return heard[0]


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("", "zh-CN"),
        ("language=zh-CN", "zh-CN"),
        ("language=en", "en"),
        ("other=1; language=en", "en"),
        ("language=EN", "zh-CN"),
        ("language=../../etc/passwd", "zh-CN"),
        ("language=", "zh-CN"),
        ("\ufffd;;=language".encode(), "zh-CN"),
    ],
)
async def test_an_unknown_language_is_chinese(cookie, expected):
    assert await spoken(cookie) == expected
    assert language() == "zh-CN"


# ---------------------------------------------------------------------------------------------------------------------
# Pages


@pytest.fixture
async def bureau(site):
    """The bureau, its people without titles: one of them (值班员) is also a word of the pages."""
    made = await build_bureau(site.db, site.clock.now())
    async with site.db.write() as session:
        for person in await session.exec(select(Person)):
            person.title = ""
    return made


@pytest.fixture
async def fire(site, bureau):
    """An incident whose clocks have run out while nobody answered."""
    now = site.clock.now()
    new = NewIncident(
        title="Fire in the kitchen",
        category="accident",
        grade="ungraded",
        suspected=True,
        sensitive=True,
        unit_id=bureau.canteen.id,
        occurred_at=now - timedelta(days=1, minutes=10),
        occurred_at_kind="estimated",
    )
    async with site.db.write() as session:
        return await log_incident(session, site, now, Actor("desk", "operator"), new)


@pytest.fixture
async def reader(browser_of, bureau):
    """An operator who reads English."""
    browser = await browser_of("operator", name="Wang")
    browser.cookies.set(LANGUAGE_COOKIE, "en")
    return browser


# The lunar date is read out as Chinese: the page says so of it.
MARKED_CHINESE = re.compile(r'<span[^>]* lang="zh">[^<]*</span>')


def chinese_in(page, data):
    """Return the Chinese a reader of an English page still sees, apart from the *data* and what is marked as Chinese."""
    text = MARKED_CHINESE.sub("", unescape(page))
    for known in sorted(data, key=len, reverse=True):
        text = text.replace(known, "")
    return [line.strip() for line in text.splitlines() if is_chinese(line)]


@pytest.fixture
def data(bureau, rulebook):
    """What the bureau itself wrote: names, and the words of its rules."""
    named = [getattr(bureau, name).name for name in bureau.__dataclass_fields__]
    return [*named, *(rule.words for rule in rulebook.rules), *LANGUAGES.values()]


async def test_pages_in_english_have_no_chinese_but_the_data(reader, site, fire, data, wired):
    clockwork = Clockwork(wired)
    for minutes in (1, 6, 20, 60):
        site.clock.move(minutes * 60)
        for _ in range(3):
            await clockwork.run_pass()
            await clockwork.drain()
    sent = {"kind": "written", "reported_at": "2026-11-23T14:00:00", "reporter": "Li", "content": "x"}
    assert (await reader.post(f"/incidents/{fire.number}/reports", data=sent)).status_code == 303
    address = f"/incidents/{fire.number}"
    acts = ("reports", "withdraw", "end", "regrade", "correct")
    pages = [
        "/desk",
        "/desk/alarms",
        "/incidents",
        "/incidents/new",
        address,
        "/nothing",
        "/account",
        "/desk/alerts/1/by-hand",
    ]
    for path in [
        *pages,
        *(f"{address}/{act}" for act in acts),
        "/obligations/1/take-over",
        "/obligations/1/entry",
    ]:
        answer = await reader.get(path)
        assert answer.status_code in {200, 404}, path
        assert chinese_in(answer.text, data) == [], path
    page = (await reader.get("/desk")).text
    assert '<html lang="en"' in page
    assert "Mon 23 Nov 2026" in page
    assert re.search(r"over by</span>\s*<span class=\"count-text\">\d+ d \d+ h", page)


async def test_what_is_refused_is_said_in_english(reader, site, fire, data):
    address = f"/incidents/{fire.number}"
    refused = [
        await reader.post("/incidents", data={"received_at": "never", "occurred_at": "2027-01-01T00:00:00"}),
        await reader.post(f"{address}/withdraw", data={"reason": "x" * 2000}),
        await reader.post(f"{address}/correct", data={}),
        await reader.post("/obligations/1/take-over", data={}),
        await reader.post(f"{address}/end", data={}, headers={"Sec-Fetch-Site": "cross-site"}),
    ]
    for answer in refused:
        assert answer.status_code in {403, 422}
        assert chinese_in(answer.text, data) == []
    assert "At most 1000 characters" in refused[1].text


async def test_without_the_cookie_pages_are_chinese(browser_of, bureau):
    page = (await (await browser_of("operator")).get("/desk")).text
    assert '<html lang="zh-CN"' in page
    assert "2026年11月23日 星期一" in page
    assert 'data-minutes="{minutes}分{seconds}秒"' in page


def test_the_script_has_no_words_of_its_own():
    for file in (ROOT / "dutydesk" / "web" / "static").glob("*.js"):
        assert not is_chinese(file.read_text(encoding="utf-8")), file.name
