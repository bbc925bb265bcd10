"""Words that accuse, in four languages: none may stand on any channel (R41)."""

import re
import unicodedata
from typing import Final

# Stems, each at the beginning of a word, so that "belief" and "recall" pass.
_ENGLISH: Final = (
    "theft", "thief", "thiev", "steal", "stole", "shoplift", "pilfer", "robber", "robbed", "burglar", "loot",
    "suspect", "suspicio", "criminal", "crime", "culprit", "offender", "offence", "offense", "perpetrat", "felon",
    "guilt", "convict", "verdict", "accus", "arrest", "apprehend", "caught", "wrongdo", "intrud", "trespass",
    "fraud", "blacklist", "deviant", "abnormal", "malicious", "dishonest", "villain", "violator", "wanted person",
    "known person", "repeat visitor", "evidence of", "proves", "proven", "confirmed",
)  # fmt: skip

_JAPANESE: Final = (
    "犯人", "犯罪", "犯行", "犯歴", "容疑", "被疑", "嫌疑", "疑わし", "疑い", "怪し", "あやし", "不審", "万引", "窃盗",
    "盗み", "盗ん", "盗人", "盗難", "泥棒", "どろぼう", "ドロボウ", "強盗", "前科", "常習", "逮捕", "検挙", "摘発",
    "捕ま", "捕え", "捕らえ", "現行犯", "有罪", "加害者", "侵入者", "不法", "違反者", "悪質", "悪意", "不届き",
    "要注意人物", "ブラックリスト", "指名手配", "クロ判定", "確定しました", "異常者", "不正行為",
)  # fmt: skip

_CHINESE: Final = (
    "小偷", "偷窃", "偷竊", "偷东西", "偷東西", "盗窃", "盜竊", "窃贼", "竊賊", "扒手", "嫌疑", "疑犯", "可疑",
    "怀疑", "懷疑", "犯人", "罪犯", "犯罪", "嫌犯", "作案", "惯犯", "慣犯", "前科", "逮捕", "抓获", "抓獲",
    "抢劫", "搶劫", "黑名单", "黑名單", "入侵者", "有罪", "违法者", "違法者", "歹徒",
)  # fmt: skip

_KOREAN: Final = (
    "도둑", "절도", "절취", "훔치", "훔친", "훔쳤", "용의자", "피의자", "범인", "범죄", "범행", "혐의",
    "의심", "수상한", "수상쩍", "체포", "검거", "전과자", "상습범", "도난", "강도범", "침입자", "블랙리스트",
    "유죄", "가해자", "불법", "현행범",
)  # fmt: skip

_STEMS: Final = re.compile(r"\b(?:" + "|".join(map(re.escape, _ENGLISH)) + r")\w*")
_PARTS: Final = re.compile("|".join(map(re.escape, (*_JAPANESE, *_CHINESE, *_KOREAN))))


def accusing(text: str) -> tuple[str, ...]:
    """Return every accusing word of a text, in whatever width and case it is written; none is what we want."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("_", " ")
    return tuple(found.group() for pattern in (_STEMS, _PARTS) for found in pattern.finditer(plain))
