"""What is wrong with days that somebody wrote down, as sentences with ``{places}`` for their values.

They stand apart from what reads the days, whose own Chinese is what people write, and is never said to anybody.
"""

NO_HEADING = "没有找到表头，第一行应为：日期、日类、名称。请下载模板填写"
NO_DAYS = "没有读到放假或上班的日期，请核对所粘贴的内容"
TOO_MANY_DAYS = "一次最多{count}天，请只保留一年的日期"
DAY_MISSING = "请填写日期"
NO_DAY = "“{said}”不是日期，例如 {year}-10-01"
NO_SUCH_DAY = "没有这一天，请核对日期"
NO_SUCH_DAY_IN = "没有这一天，请核对日期：{said}"
WRONG_SPAN = "起止日期不对，请核对：{said}"
WRONG_TOTAL = "读到{count}天，与所写的{said}不符，请核对"
WRONG_WEEKDAY = "{day}是{weekday}，与所写的{said}不符，请核对"
KIND_MISSING = "请填写日类，应为工作日、调休补班、休息日或法定节假日"
NO_KIND = "“{said}”不是日类，应为工作日、调休补班、休息日或法定节假日"
WRONG_KIND = "日类应为法定节假日、调休补班、休息日或工作日"
NAME_TOO_LONG = "名称最多{count}字，不含控制字符"
# From Monday, as they follow “是”.
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
