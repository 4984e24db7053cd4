"""What the rules and actions say in English, for the API, in the language of the page."""

import re

from dutydesk.web.languages import say

# What the rules say about a field or a state (for the API, in English) as the pages say it.
_SENTENCES = (
    (r"there is no .*", "没有这一项，或不在可以查看的范围内"),
    (r"lies in the future", "不能晚于现在"),
    (r"is given although occurred_at_kind is unknown", "选了“不详”就不要填写，或改选“准确”“大致”"),
    (r"is needed when occurred_at_kind is \w+", "请填写；确实不知道时，准确程度选“不详”"),
    (r"lies before the incident happened", "早于事发时间"),
    (r"lies before the unit learned of it", "早于单位知悉时间"),
    (r"is needed when a clock is stopped", "此次变动会停止计时，须填写决定的领导姓名"),
    (r"lies before the alert was made", "早于告警发出时间"),
    (r"must lie between the base of the clock and now", "应在起算时间与现在之间"),
    (r"next_check_at must be in the future", "复核时间应晚于现在"),
    (r"must be in the future", "应晚于现在"),
    (r"alert \d+ was confirmed already", "这条告警已有人确认，不必再登记"),
    (r"alert \d+ was cancelled.*", "这条告警已取消，不必再登记"),
    (r"alert \d+ is not on the screen", "这不是值班台告警"),
    (r"incident \S+ is open.*", "事件正在处置中，不能这样办理"),
    (r"incident \S+ is ended.*", "事件已结束，不能这样办理"),
    (r"incident \S+ is withdrawn.*", "事件已撤回，不能这样办理"),
    (r"incident \S+ is merged.*", "事件已归并，请到归并后的事件办理"),
    (
        r"obligation \d+ is fulfilled by record.*",
        "这一项随值班表或请假记录自动办结，不能手工登记；请到相应页面补排、签到或填报",
    ),
    (r"obligation \d+ is fulfilled by .*", "这一项以报告或按键为证据，不能手工登记"),
    (r"obligation \d+ is \w+.*", "这一项已经了结，不必再办"),
    (r"obligation \d+ has no rung left.*", "这一项没有下一步可以提前"),
    (r"lies before the entry", "早于本条记录的时间"),
    (r"log entry \d+ was corrected already", "这条记录刚刚已由别人更正，请先核对更正后的内容"),
    (r"nothing was changed", "没有改动"),
    (r"the first account was made already", "管理员账号已经建立，请登录"),
    (r"the role \w+ may not do this .*", "您的角色没有这项权限"),
    (r"there is no (account|sign-in|token) \d+", "没有这一项，可能已由别人办理"),
    (r"what was recorded is not overwritten.*", "已登记的报告人不能改写"),
    (r"must be a whole number from 0", "请填写0或正整数"),
    (r"report \d+ was voided already", "这份报告已经作废"),
    (r"report \d+ waits for no check", "这份报告不需要核对，或已经核对"),
    (r"a late entry is checked by somebody other.*", "补录须由登记人以外的第二人核对"),
    (r"an incident cannot be merged into itself", "不能归并到本事件"),
    (r"a drill and a real incident cannot be merged", "演练与真实事件不能归并"),
    (r"the clock is not in doubt", "时钟没有存疑，不必确认"),
    (r"is not an e-mail address", "不是电子邮箱地址"),
    (r"is not a mobile number; enter it as a landline", "不是手机号码，请按固定电话登记"),
    (r"is a mobile number; enter it as a mobile", "是手机号码，请按手机登记"),
    (r"is not a phone number|is not a valid phone number", "不是有效的电话号码，固定电话请带区号"),
    (r"has an extension, which cannot be dialled.*", "带分机的号码不能直接拨打，请填写直线号码"),
    (r"must have at most 10 UTF-16 units", "最多10个字"),
    (r"must be after from", "须晚于开始时间"),
    (r"is given twice", "与另一个号码相同"),
    (r"person \d+ holds the post \S+ of \S+ already at that time", "此人在这段时间已任这一职务"),
    (r"there is a unit \S+ already", "这个代码已有单位使用"),
    (r"there is exactly one desk.*", "局值班室只有一个"),
    (r"must be another unit", "上级单位不能是本单位"),
    (r"is of a kind that is not taken in", "不能上传这一类文件，或文件内容有问题"),
    (r"does not hold what its name says", "文件内容与文件名不符"),
    (r"is larger than 20 MB", "文件超过20MB"),
    (r"is empty", "文件是空的"),
    (r"this file was added already", "这份文件已经上传过"),
    (r"incident \S+ has \d+ files already", "附件已达上限"),
    (r"attachment \d+ was voided already", "这份附件已经作废"),
    (r"the stored file (was changed|cannot be read)", "存档的文件已损坏或丢失，请联系管理员"),
)


def sentence(text: str) -> str:
    """Return what a rule or an action said, in the page's language where there are words for it."""
    said = re.sub(r"^[a-z_.]+: ", "", text)
    return say(next((chinese for pattern, chinese in _SENTENCES if re.fullmatch(pattern, said)), said))
