"""Every text of the console, Japanese and English side by side."""

from typing import Final, NamedTuple

from pipeline.console.languages import Language


class Text(NamedTuple):
    """One text in every language; `{name}` is filled in."""

    ja: str
    en: str


TEXTS: Final[dict[str, Text]] = {
    # the page
    "page.title": Text("見守りコンソール", "Mimamori console"),
    "page.brand": Text("見守り", "Mimamori"),
    "page.brand.sub": Text("本部コンソール", "Headquarters console"),
    "page.skip": Text("お知らせへ移動", "Skip to alerts"),
    "page.language": Text("表示言語", "Language"),
    "page.demo": Text(
        "すぐに動きが見えるよう、集計と保存の時間を短くしています。描画した映像には「描画」と明記しています。",
        "Short windows and short retention, so that everything shows soon. Drawn scenes are labelled as drawn.",
    ),
    "page.demo.label": Text("デモ", "Demo"),
    "page.live": Text("ライブ", "Live"),
    "page.reconnecting": Text("再接続中", "Reconnecting"),
    "page.noscript": Text("この画面には JavaScript が必要です。", "This page needs JavaScript."),
    "page.supplements": Text(
        "見守りは人の目を補うものです。判断し、声をかけるのは、いつも人です。",
        "Mimamori supplements people's own attention. People decide, and people do the talking.",
    ),
    "page.no_pictures": Text("この画面に人の映像は表示されません。", "No pictures of people are shown on this page."),
    "page.stores": Text("店舗", "Store"),
    "page.away": Text("ただいま接続できません", "Not reachable at present"),
    "page.loading": Text("読み込み中", "Loading"),
    # the figures at the top
    "tile.visitors": Text("本日の入店", "Came in today"),
    "tile.visitors.note": Text("全店舗・公開された集計のみ", "All stores, published counts only"),
    "tile.waiting": Text("確認待ちのお知らせ", "Alerts waiting for a person"),
    "tile.waiting.note": Text("まず手順の確認から", "Procedure first"),
    "tile.cameras": Text("稼働中のカメラ", "Cameras seeing"),
    "tile.cameras.note": Text("{count} 台中", "of {count}"),
    "tile.forgotten": Text("破棄した鍵", "Keys destroyed"),
    "tile.forgotten.note": Text("元の映像は二度と開けません", "Sealed for good"),
    # what was noticed
    "alerts.title": Text("お知らせ", "Alerts"),
    "alerts.none": Text("いまお知らせはありません", "No alerts"),
    "alerts.none.note": Text(
        "新しいお知らせは、この欄に自動で表示されます。", "The next one will appear here by itself."
    ),
    "alerts.new": Text("新しいお知らせがあります: {what}", "New alert: {what}"),
    "alerts.history_away": Text(
        "以前のお知らせは、ただいま読み込めません。新しいものは引き続き表示されます。",
        "Earlier ones cannot be read at present. New ones still appear.",
    ),
    "alerts.live_away": Text(
        "リアルタイムの受信が途切れています。表示が数秒遅れることがあります。",
        "The live feed is interrupted. New ones may come some seconds late.",
    ),
    "alerts.held": Text("新しいお知らせ {count} 件を表示", "Show {count} new"),
    "alerts.more": Text("{count} 件すべて表示", "Show all {count}"),
    "alerts.waiting": Text("確認待ち {count} 件", "{count} waiting"),
    "alerts.caveat": Text(
        "ここに出るのは可能性のお知らせです。証拠ではなく、常に正しいとは限りません。",
        "What appears here is possible, not evidence; not always correct.",
    ),
    # one card
    "card.first": Text("まず、お声がけの手順", "First: courteous service"),
    "card.step.greet": Text(
        "笑顔でごあいさつ。「いらっしゃいませ。何かお探しですか」と、ほかのお客様と同じようにお声がけします。",
        "Greet with a smile, as you would anyone: “Hello, may I help you find something?”",
    ),
    "card.step.help": Text(
        "お手伝いを申し出ます。問いただす、触れる、後をつける、行く手をふさぐことはしません。",
        "Offer help. Do not question, touch, follow or block anyone’s way.",
    ),
    "card.step.second": Text(
        "迷ったら、研修を受けたもう一人と一緒に確かめます。判断は、いつも人が行います。",
        "If in doubt, look again together with a second trained colleague. People decide, always.",
    ),
    "card.acknowledge": Text("手順を確認しました", "I have read the procedure"),
    "card.acknowledge.note": Text("確認すると、見えたことの詳細が開きます。", "The details open once you have."),
    "card.acknowledge.failed": Text(
        "記録できませんでした。もう一度お試しください。", "Could not be recorded. Please try again."
    ),
    "card.acknowledged": Text("手順を確認済み {time}", "Procedure read at {time}"),
    "card.possible": Text("可能性", "Possible"),
    "card.caveat": Text(
        "可能性のお知らせです。証拠ではなく、常に正しいとは限りません。",
        "A possible observation: not evidence; not always correct.",
    ),
    "card.details": Text("詳しく見る", "Details"),
    "card.where": Text("場所", "Where"),
    "card.when": Text("時刻", "When"),
    "card.numbers": Text("数値", "Numbers"),
    "card.rarity": Text("珍しさ", "How usual"),
    "card.usefulness": Text("これまでの役立ち度", "Found useful so far"),
    "card.explanations": Text("よくある理由", "Ordinary explanations"),
    "card.explanations.none": Text("さまざまな日常の理由が考えられます", "There are many ordinary reasons"),
    "card.span": Text("{begin} 〜 {end}", "{begin} – {end}"),
    "card.score": Text("判定値 {score}(基準 {threshold})", "score {score} (threshold {threshold})"),
    "rarity.known": Text(
        "この場所・この時間帯の来店 {one_in} 回に 1 回ほど(n={n})",
        "1 in {one_in} visits here at this hour, n={n}",
    ),
    "rarity.common": Text(
        "この場所・この時間帯ではふだんからよくあること(n={n})",
        "Nothing unusual here at this hour, n={n}",
    ),
    "rarity.unknown": Text("まだ十分な来店数がありません", "Not enough visits yet"),
    "usefulness.known": Text(
        "同様のお知らせ 100 件のうち約 {share} 件が「見る価値あり」({low}〜{high}、n={n})",
        "Of 100 like this, about {share} were found worth a look ({low}–{high}, n={n})",
    ),
    "usefulness.unknown": Text("まだ評価がありません", "No reviews yet"),
    "observation.person_in_restricted_zone": Text(
        "お客様にご案内していないエリア「{place}」に人がいる可能性があります",
        "Possible: a person is in “{place}”, an area not open to visitors",
    ),
    "observation.person_stayed_long": Text(
        "「{place}」に長くとどまっている方がいる可能性があります",
        "Possible: a person has stayed at “{place}” for a long time",
    ),
    "category.restricted_zone": Text("ご案内していないエリア", "Area not open to visitors"),
    "category.loitering": Text("長めの滞在", "Long stay"),
    "explanation.staff_at_work": Text("スタッフの作業", "Staff at work"),
    "explanation.looking_for_staff": Text("スタッフを探している", "Looking for staff"),
    "explanation.lost_the_way": Text("道に迷った", "Lost the way"),
    "explanation.comparing_products": Text("商品を比べている", "Comparing products"),
    "explanation.waiting_for_someone": Text("待ち合わせ", "Waiting for someone"),
    "explanation.delivery": Text("納品・配達", "A delivery"),
    "number.dwell": Text("滞在 {value}", "stayed {value}"),
    "number.extent": Text("動いた範囲 身長の {value} 倍", "moved within {value} body heights"),
    "number.sightings": Text("観測 {value} 回", "seen {value} times"),
    "number.earlier_visits": Text("比べた滞在 {value} 件", "compared with {value} visits"),
    "length.seconds": Text("{seconds} 秒", "{seconds} s"),
    "length.minutes": Text("{minutes} 分 {seconds} 秒", "{minutes} min {seconds} s"),
    "length.minutes.only": Text("{minutes} 分", "{minutes} min"),
    "length.hours.only": Text("{hours} 時間", "{hours} h"),
    "length.hours": Text("{hours} 時間 {minutes} 分", "{hours} h {minutes} min"),
    # people flow
    "flow.title": Text("本日の人の流れ", "People flow today"),
    "flow.in": Text("入", "In"),
    "flow.out": Text("出", "Out"),
    "flow.occupancy": Text("滞在人数", "Occupancy"),
    "flow.coverage": Text("観測率", "Coverage"),
    "flow.suppressed": Text("少数のため非表示", "Withheld: too few"),
    "flow.missing": Text("データなし", "No data"),
    "flow.none": Text("本日の集計はまだありません", "No windows yet today"),
    "flow.legend": Text("凡例", "Legend"),
    "flow.none.note": Text(
        "最初の集計が閉じると表示されます({length}ごと)。", "The first one shows when it closes (every {length})."
    ),
    "flow.window": Text("{length}ごと・{timezone}", "Every {length} · {timezone}"),
    "flow.totals": Text("入 {come} ・ 出 {go}", "{come} in · {go} out"),
    "flow.totals.at_least": Text(
        "少なくとも 入 {come} ・ 出 {go}(少数のため非表示 {count} 件)",
        "At least {come} in · {go} out ({count} withheld: too few)",
    ),
    "flow.table": Text("表で見る", "Show as a table"),
    "flow.time": Text("時刻", "Time"),
    "flow.line": Text("ライン", "Line"),
    "flow.zone": Text("エリア", "Zone"),
    "flow.noised": Text("保護のための揺らぎを加えた値", "Noised for protection"),
    "flow.chart": Text(
        "{store} の人の流れ。数値は下の表にもあります。",
        "People flow of {store}. The same numbers are in the table below.",
    ),
    # cameras
    "cameras.title": Text("カメラ", "Cameras"),
    "cameras.none": Text("カメラが登録されていません", "No cameras in the estate"),
    "cameras.last": Text("最終受信", "Last sign"),
    "cameras.coverage": Text("観測率", "Coverage"),
    "cameras.frames": Text("映像", "Frames"),
    "cameras.stills": Text("静止", "Stills"),
    "cameras.dropped": Text("欠落", "Dropped"),
    "cameras.never": Text("まだありません", "none yet"),
    "cameras.ago": Text("{length}前", "{length} ago"),
    "camera.well": Text("正常", "Seeing"),
    "camera.covered": Text("覆われています", "Covered"),
    "camera.defocused": Text("ピントずれ", "Out of focus"),
    "camera.moved": Text("向きが変わりました", "Moved"),
    "camera.frozen": Text("映像が停止", "Frozen"),
    "camera.silent": Text("応答なし", "Silent"),
    "camera.unknown": Text("待機中", "Waiting"),
    # stages
    "stages.title": Text("処理の状態", "Stages"),
    "stage.detecting": Text("検出", "Detecting"),
    "stage.watching": Text("見守り", "Watching"),
    "stage.recording": Text("記録", "Recording"),
    "stage.erasing": Text("消去", "Erasing"),
    "stage.detecting.note": Text("映像の中の人と顔の位置", "finds people and faces"),
    "stage.watching.note": Text("動きを追い、数える", "follows and counts"),
    "stage.recording.note": Text("集計とお知らせを保存", "writes counts and alerts"),
    "stage.erasing.note": Text("破棄の証明を公開", "publishes receipts"),
    "stages.lag": Text("未処理", "Lag"),
    "stages.workers": Text("ワーカー {count}", "Workers: {count}"),
    "stages.partition": Text("{topic} 区画 {partition}: 未処理 {lag}", "{topic} partition {partition}: lag {lag}"),
    "stages.dead": Text("使えなかった記録", "Dead letters"),
    "stages.dead.none": Text("ありません", "None"),
    "state.running": Text("稼働中", "Running"),
    "state.behind": Text("遅れています", "Behind"),
    "state.stopped": Text("停止中", "Not running"),
    "state.idle": Text("待機中", "Idle"),
    # forgotten
    "forgotten.title": Text("これまでに忘れたもの", "Forgotten so far"),
    "forgotten.keys": Text("破棄した鍵", "keys destroyed"),
    "forgotten.note": Text(
        "鍵を破棄すると、その鍵で封じた映像は、どこに残っていても二度と開けません。",
        "Once a key is destroyed, what it sealed can never be opened again, wherever it still lies.",
    ),
    "forgotten.oldest": Text("読める最も古い映像", "Oldest readable frame"),
    "forgotten.oldest.none": Text("読める映像はありません", "No frame is readable"),
    "forgotten.receipt": Text("最後の破棄証明", "Latest receipt"),
    "forgotten.next": Text("次の破棄", "Next destruction"),
    "forgotten.next.in": Text("あと {length}", "in {length}"),
    "forgotten.next.due": Text("まもなく", "due now"),
    "forgotten.retention": Text("映像の保存期間", "Frames live"),
    "forgotten.none": Text("まだありません", "none yet"),
}


class Words:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text, its places filled. A key that is not there is a mistake of ours: KeyError."""
        text: str = getattr(TEXTS[key], self.language)
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        return key in TEXTS
