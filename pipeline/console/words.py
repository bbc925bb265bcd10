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
    "page.demo.all_counts": Text(
        "少人数の集計も伏せずに表示します(本番では伏せます)。",
        "Counts of very few people are shown, too; outside a demo they are withheld.",
    ),
    "page.demo.label": Text("デモ", "Demo"),
    "page.live": Text("ライブ", "Live"),
    "page.reconnecting": Text("再接続中", "Reconnecting"),
    "page.noscript": Text("この画面には JavaScript が必要です。", "This page needs JavaScript."),
    "page.supplements": Text(
        "見守りは人の目を補うものです。判断し、声をかけるのは、いつも人です。",
        "Mimamori supplements people's own attention. People decide, and people do the talking.",
    ),
    "page.no_pictures": Text(
        "映像は、権限のある人が目的と理由を記して開いたときだけ表示されます。",
        "Pictures appear only when somebody who may opens them, with a purpose and a written reason.",
    ),
    "page.vault_away": Text(
        "いま、どなたの操作かを確かめられません。確かめられるまで、新しい内容は表示しません。",
        "Who you are cannot be checked at present. Until it can, nothing new is shown.",
    ),
    "page.close": Text("閉じる", "Close"),
    "page.cancel": Text("やめる", "Cancel"),
    "page.home": Text("お知らせの画面へ", "Back to the console"),
    "page.failed": Text("うまくいきませんでした。もう一度お試しください。", "That did not work. Please try again."),
    "page.stores": Text("店舗", "Store"),
    "missing.title": Text("ページが見つかりません", "There is no such page"),
    "missing.text": Text("このアドレスには何もありません。", "There is nothing at this address."),
    "form.missing": Text("「{what}」を入力してください。", "Please fill in: {what}."),
    "form.short": Text(
        "「{what}」は {least} 文字以上で書いてください。", "{what}: please write at least {least} characters."
    ),
    "form.wrong": Text("「{what}」をお確かめください。", "Please check: {what}."),
    "form.check": Text("「{what}」に印を付けてください。", "Please tick: {what}."),
    "page.away": Text("ただいま接続できません", "Not reachable at present"),
    "page.loading": Text("読み込み中", "Loading"),
    # the figures at the top
    "tile.visitors": Text("本日の入店", "Came in today"),
    "tile.visitors.note": Text("担当店舗・公開された集計のみ", "Your stores, published counts only"),
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
    "cameras.spooled": Text("機器で待機", "Waiting on the device"),
    "cameras.aside": Text(
        "動かないため人に数えていないもの {count} 件(区域の画面で教えてください)",
        "{count} set aside since it never moves: say what it is where places are drawn",
    ),
    "cameras.never": Text("まだありません", "none yet"),
    "cameras.ago": Text("{length}前", "{length} ago"),
    "camera.well": Text("正常", "Seeing"),
    "camera.covered": Text("覆われています", "Covered"),
    "camera.defocused": Text("ピントずれ", "Out of focus"),
    "camera.moved": Text("向きが変わりました", "Moved"),
    "camera.frozen": Text("映像が停止", "Frozen"),
    "camera.silent": Text("応答なし", "Silent"),
    "camera.covered.do": Text(
        "レンズの前に物がないか確認してください", "please see whether something is before the lens"
    ),
    "camera.defocused.do": Text(
        "レンズの汚れとピントを確認してください", "please see whether the lens is clean and in focus"
    ),
    "camera.moved.do": Text("向きを戻すか、区域を描き直してください", "please turn it back, or draw its zones anew"),
    "camera.frozen.do": Text("カメラを再起動してください", "please restart the camera"),
    "camera.silent.do": Text("電源と回線を確認してください", "please see to its power and network"),
    "camera.since": Text("{length}前から", "for {length}"),
    "camera.numbers": Text(
        "輪郭 {edges}・鮮明さ {sharpness}・ずれ {moved}", "edges left {edges}, sharpness {sharpness}, moved by {moved}"
    ),
    "camera.unknown": Text("待機中", "Waiting"),
    # stages
    "stages.title": Text("処理の状態", "Stages"),
    "stage.detecting": Text("検出", "Detecting"),
    "stage.watching": Text("見守り", "Watching"),
    "stage.recording": Text("記録", "Recording"),
    "stage.cutting": Text("切り出し", "Cutting"),
    "stage.erasing": Text("消去", "Erasing"),
    "stage.detecting.note": Text("映像の中の人と顔の位置", "finds people and faces"),
    "stage.watching.note": Text("動きを追い、数える", "follows and counts"),
    "stage.recording.note": Text("集計とお知らせを保存", "writes counts and alerts"),
    "stage.cutting.note": Text("お知らせの映像を切り出し封印", "seals pictures of alerts"),
    "stage.erasing.note": Text(
        "破棄の証明を公開し、映像の実体と表の区画を除去", "publishes receipts, removes objects and partitions"
    ),
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
    # coming in
    "sign.title": Text("サインイン", "Sign in"),
    "sign.name": Text("お名前(ログイン名)", "Name"),
    "sign.password": Text("パスワード", "Password"),
    "sign.in": Text("サインイン", "Sign in"),
    "sign.out": Text("サインアウト", "Sign out"),
    "sign.note": Text(
        "ご覧になれる内容は、役割と店舗ごとに決まっています。映像を開くと、その前に記録が残ります。",
        "What you see depends on your role and your stores. Opening pictures is written down first.",
    ),
    "sign.needed": Text("サインインしてください。", "Please sign in."),
    "sign.ended": Text(
        "サインインの時間が終わりました。お手数ですが、もう一度お願いします。",
        "Your session has ended. Please sign in again.",
    ),
    "sign.wrong": Text(
        "お名前かパスワードが一致しません。もう一度お確かめください。",
        "Name and password do not match. Please check both and try again.",
    ),
    "sign.later": Text(
        "お試しの回数が多いようです。{seconds} 秒ほど待ってから、もう一度お願いします。",
        "That was tried many times. Please wait {seconds} s, then try again.",
    ),
    "sign.closed": Text(
        "このアカウントは停止しています。責任者にご相談ください。",
        "This account is closed. Please ask your manager.",
    ),
    "sign.away": Text(
        "いま、どなたかを確かめる仕組み(鍵の保管庫)に接続できません。確かめられるまで、何も表示しません。"
        "しばらくしてからもう一度お試しください。",
        "The vault, which knows who may see what, cannot be reached. Until it can, nothing is shown. "
        "Please try again in a while.",
    ),
    # who is signed in
    "me.grant": Text("{role}({stores})", "{role} ({stores})"),
    "me.and": Text("・", ", "),
    "me.every_store": Text("全店舗", "all stores"),
    "me.account": Text("サインイン中", "Signed in"),
    "me.training": Text("研修の期限", "Training until"),
    "me.pledge": Text("誓約の期限", "Pledge until"),
    "role.staff": Text("スタッフ", "Staff"),
    "role.manager": Text("責任者", "Manager"),
    "role.deputy": Text("副責任者", "Deputy"),
    "role.auditor": Text("監査", "Auditor"),
    "role.on_call": Text("運用当番", "On call"),
    "role.device": Text("店舗の機器", "Device"),
    "role.detecting": Text("検出", "Detecting"),
    "role.watching": Text("見守り", "Watching"),
    "role.recording": Text("記録", "Recording"),
    "role.cutting": Text("切り出し", "Cutting"),
    "role.erasing": Text("消去", "Erasing"),
    "role.console": Text("コンソール", "Console"),
    "suspended.title": Text("映像の閲覧は、いまお休み中です", "Looking at pictures is paused for you"),
    "suspended.training": Text("研修の期限が切れています。", "Your training has run out, or is not on record."),
    "suspended.training.mend": Text(
        "研修を受け、責任者に記録してもらってください。", "Please take the training, and ask your manager to record it."
    ),
    "suspended.pledge": Text("秘密保持の誓約が有効ではありません。", "Your confidentiality pledge is not in force."),
    "suspended.pledge.mend": Text(
        "誓約書に署名し、責任者に記録してもらってください。",
        "Please sign the pledge, and ask your manager to record it.",
    ),
    "suspended.rules": Text(
        "新しい規程をまだお読みいただいていません。", "There are rules that you have not read yet."
    ),
    "suspended.rules.mend": Text(
        "下のボタンから規程を読み、確認してください。", "Please read them with the button here, and say that you have."
    ),
    "suspended.disabled": Text("アカウントは停止しています。", "The account is closed."),
    "suspended.disabled.mend": Text("責任者にご相談ください。", "Please ask your manager."),
    "suspended.other": Text("責任者にご相談ください。", "Please ask your manager."),
    "rules.open": Text("規程を読む", "Read the rules"),
    "rules.title": Text("カメラの規程(版 {version})", "Camera rules, version {version}"),
    "rules.read": Text("読みました。守ります", "I have read them and will keep to them"),
    "rules.purpose": Text(
        "映像は、掲示した目的のためだけに開きます。ほかの目的には、だれも使えません。",
        "Pictures are opened for the purpose on the notice, and for no other. Nobody can make an exception.",
    ),
    "rules.reason": Text(
        "開く前に理由を書きます。だれが、いつ、なぜ開いたかは、先に台帳へ記録され、消せません。",
        "You write down why, first. Who opened what, when and why goes into the ledger before, and stays there.",
    ),
    "rules.alone": Text(
        "見た内容を話すのは、その仕事に必要な人とだけです。",
        "Talk about what you saw only with those who need it for this task.",
    ),
    "rules.nothing_leaves": Text(
        "画面を撮影したり、持ち出したりしません。", "Take no photos of the screen, and take nothing away."
    ),
    "rules.courtesy": Text(
        "見えたものは確認のための手がかりです。いつも正しいとは限らず、どなたかを決めつけるものではありません。",
        "What you see is something to check. It is not always correct, and it says nothing about who anybody is.",
    ),
    "rules.erase": Text(
        "要らなくなったら、期限を待たずに消します。", "What is no longer needed is erased, before its time too."
    ),
    "rules.operator": Text("運用者", "Operator"),
    "rules.manager": Text("責任者", "Manager"),
    "rules.deputy": Text("副責任者", "Deputy"),
    "rules.purposes": Text("目的", "Purposes"),
    "rules.frames": Text("映像の保存", "Frames live"),
    "rules.evidence": Text("切り出しの保存", "Clips live"),
    "purpose.crime_prevention": Text("防犯(掲示の目的)", "Keeping the store safe"),
    "purpose.people_flow": Text("人の流れの集計", "Counting visitors"),
    "purpose.operation": Text("運用", "Operation"),
    "length.days": Text("{days} 日", "{days} d"),
    # looking at what was kept
    "evidence.look": Text("映像を確認", "Look"),
    "evidence.title": Text("映像を開く", "Open the pictures"),
    "evidence.ask": Text(
        "開く前に、あなたのお名前・目的・理由が台帳に記録されます。",
        "Before they open, your name, the purpose and your reason are written into the ledger.",
    ),
    "evidence.purpose": Text("目的", "Purpose"),
    "evidence.purpose.choose": Text("選んでください", "Please choose"),
    "evidence.reason": Text("理由(10〜256文字)", "Reason (10 to 256 characters)"),
    "evidence.reason.hint": Text("どなたかの名前は書かないでください。", "Please write no names of visitors."),
    "evidence.open": Text("記録して開く", "Write it down and open"),
    "evidence.line": Text(
        "確認のための観察です。何かの証拠ではなく、常に正しいとは限りません。",
        "An observation for review: not evidence; not always correct.",
    ),
    "evidence.who": Text("{name} ・ {time} ・ {camera}", "{name} · {time} · {camera}"),
    "evidence.play": Text("再生", "Play"),
    "evidence.pause": Text("一時停止", "Pause"),
    "evidence.back": Text("前の一枚", "Previous"),
    "evidence.next": Text("次の一枚", "Next"),
    "evidence.frame": Text("{number} / {count} 枚目 ・ {time}", "{number} of {count} · {time}"),
    "evidence.keys": Text("← → で一枚ずつ、スペースで再生", "← → steps, space plays"),
    "evidence.box": Text("枠は、お知らせに関わる範囲です。", "The outline is what the alert concerns."),
    "evidence.whole": Text(
        "この一枚は、人の位置がわからないため全体を隠しています。",
        "All of this picture is hidden: where people are in it is not known.",
    ),
    "evidence.ends": Text("あと {length} で閉じます", "Closes by itself in {length}"),
    "evidence.over": Text(
        "閲覧の時間が終わりました。もう一度開くには、理由の記録からお願いします。",
        "This look is over. To open it again, please begin with the reason.",
    ),
    "evidence.until": Text("映像は {time} まで", "Pictures until {time}"),
    "evidence.held": Text("映像は保全中({time} まで)", "Pictures kept until {time} by decision"),
    "evidence.coming": Text(
        "映像はいま準備中です。少し後でもう一度お試しください。",
        "The pictures are being prepared. Please try again in a moment.",
    ),
    "evidence.none": Text("このお知らせに映像は残していません。", "No pictures were kept of this alert."),
    "evidence.erased": Text(
        "映像は期限を迎えたか、消去されました。鍵がないため、二度と開けません。",
        "The pictures have expired or were erased. Their key is gone; they can never be opened again.",
    ),
    "evidence.missing": Text(
        "保管場所に映像が見つかりません。しばらくしてからお試しください。",
        "The pictures are not in the storage at present. Please try again later.",
    ),
    "evidence.unreadable": Text(
        "映像を開けませんでした。運用当番にお知らせください。",
        "The pictures could not be opened. Please tell whoever is on call.",
    ),
    # what was refused
    "refused.role": Text(
        "申し訳ありません。この操作は、あなたの役割または店舗では行えません。",
        "Sorry, your role does not include this here.",
    ),
    "refused.vault": Text(
        "申し訳ありません。この操作は認められませんでした。記録だけが残りました。",
        "Sorry, this is not allowed. That it was asked has been written down.",
    ),
    "refused.away": Text(
        "いま、鍵の保管庫または保管場所に接続できません。何も行われていません。",
        "The vault or the storage cannot be reached at present. Nothing was done.",
    ),
    "refused.reason": Text(
        "理由を {shortest}〜{longest} 文字で書いてください。",
        "Please write a reason of {shortest} to {longest} characters.",
    ),
    "refused.no_such_alert": Text("そのお知らせはありません。", "There is no such alert."),
    "refused.no_such_thing": Text("見つかりませんでした。", "There is no such thing."),
    "refused.unreadable": Text("入力をお確かめください。", "Please check what you filled in."),
    "refused.training": Text("研修の期限が切れています。", "Your training is not in force."),
    "refused.pledge": Text("秘密保持の誓約が有効ではありません。", "Your pledge is not in force."),
    "refused.rules": Text("まだ読んでいない規程があります。", "There are rules that you have not read yet."),
    "refused.purpose": Text(
        "その目的は、この店舗の規程にありません。", "The rules of this store do not name that purpose."
    ),
    "refused.too_short": Text(
        "パスワードは12文字以上にしてください。三つ四つの言葉を並べると覚えやすくなります。",
        "A password has at least 12 characters; three or four words do well.",
    ),
    "refused.too_simple": Text(
        "もう少し複雑なパスワードにしてください。", "Please choose a password that is less simple."
    ),
    "refused.too_common": Text(
        "そのパスワードはよく使われるため、選べません。", "That password is one of those that are tried first."
    ),
    "refused.like_the_name": Text(
        "お名前に似たパスワードは選べません。", "A password is not made of the name of whose it is."
    ),
    "refused.far_day": Text(
        "日付をお確かめください。本日から前後10年以内の日を選べます。",
        "Please check the date: it may lie ten years from today at most.",
    ),
    "refused.control": Text(
        "目に見えない文字や改行は使えません。入力し直してください。",
        "Please type it again, on one line and without invisible characters.",
    ),
    "refused.closed": Text("アカウントは停止しています。", "The account is closed."),
    "refused.held_already": Text(
        "この映像には、すでに保全の提案があります。", "There is a decision to keep it already."
    ),
    "refused.second_person": Text(
        "提案した方とは別の方の確認が必要です。", "Somebody else than who proposed it has to agree."
    ),
    "refused.hold_over": Text(
        "この保全は、すでに次の段階に進んでいるか、終わっています。", "This has been decided already, or is over."
    ),
    "refused.expired": Text(
        "映像は期限を迎えたか、消去されました。もう保全できません。",
        "The pictures have expired or were erased: they can no longer be kept.",
    ),
    "refused.release_length": Text("閲覧許可は24時間までです。", "A release lasts 24 hours at most."),
    "refused.not_staff": Text("その方は、この店舗のスタッフではありません。", "That is nobody of this store’s staff."),
    "refused.own_account": Text(
        "ご自分のアカウントは、別の責任者が変更します。", "Another manager changes your own account."
    ),
    "refused.not_yours": Text("その方は、担当店舗の方ではありません。", "That is nobody of your stores."),
    "refused.more_than_staff": Text(
        "その方にはスタッフ以外の役割もあるため、運用担当者が変更します。",
        "They are more than staff of your stores: whoever runs the system changes that.",
    ),
    "refused.name_taken": Text("そのログイン名は、すでに使われています。", "There is somebody of that name already."),
    "refused.no_name": Text(
        "そのログイン名は使えません。別のお名前にしてください。",
        "Nobody can be called so here; please choose another name.",
    ),
    "refused.needs_training": Text(
        "先に、研修と誓約(署名日と期限)の記録が必要です。",
        "Training and pledge have to be on record first, and in force.",
    ),
    "refused.no_such_rules": Text("その版の規程はありません。", "There are no rules of that version."),
    "refused.not_in_role": Text(
        "役割または店舗に、この操作は含まれていません。", "It is not in the role, or not in that store."
    ),
    "refused.not_released": Text(
        "責任者からあなたへの閲覧許可が必要です。", "A manager has to release this very item to you first."
    ),
    # erasing early
    "erase.button": Text("期限前に消去", "Erase early"),
    "erase.title": Text("映像を期限前に消去", "Erase pictures early"),
    "erase.alert": Text(
        "このお知らせの映像と、その元の映像の鍵を破棄します。元に戻せません。保全している映像は、先に保全を終えます。",
        "Destroys the keys of this alert’s pictures and of the frames they came from. It cannot be undone. "
        "Where they are kept by decision, that has to be ended first.",
    ),
    "erase.span": Text(
        "選んだカメラの、その時間の映像と切り出しの鍵を破棄します。元に戻せません。その時間に保全している映像があれば、先に保全を終えます。",
        "Destroys the keys of all pictures of this camera in that time. It cannot be undone. "
        "Where something of it is kept by decision, that has to be ended first.",
    ),
    "erase.whole": Text(
        "鍵は {length} ごとです。その区切りに写ったほかの方の映像も、一緒に開けなくなります。",
        "One key is for {length} of pictures: everybody else’s in the same {length} go with them.",
    ),
    "erase.running": Text(
        "いまの区切りを含むときは、その {length} が終わるまで、このカメラの映像を封じる鍵がなく、映像は残りません。",
        "Where that takes in the present moment, the camera has no key until its {length} are over: "
        "nothing of it is kept until then.",
    ),
    "erase.held": Text(
        "この映像は、案件 {incident} のために保全しています({until}、{who})。消去する前に、保全を終えてください。",
        "These pictures are kept by decision for case {incident} ({until}, {who}). Before erasing, end that first.",
    ),
    "erase.held.link": Text("この保全へ", "Go to it"),
    "erase.camera": Text("カメラ", "Camera"),
    "erase.start": Text("開始(店舗の時刻)", "From (store’s time)"),
    "erase.end": Text("終了(店舗の時刻)", "To (store’s time)"),
    "erase.reason": Text("理由(10〜256文字)", "Reason (10 to 256 characters)"),
    "erase.sure": Text("元に戻せないことを理解しました", "I understand that it cannot be undone"),
    "erase.do": Text("消去する", "Erase"),
    "erase.done": Text("{count} 個の鍵を破棄しました。", "Keys destroyed: {count}."),
    "erase.receipts": Text("破棄の証明", "Receipts"),
    "erase.receipts.note": Text(
        "次の署名が済むと、ここから受け取れます(1分ほど)。",
        "Each can be fetched here once the next checkpoint is signed, within about a minute.",
    ),
    "erase.receipts.waits": Text("署名待ち", "waits for the next checkpoint"),
    "erase.span_order": Text("終了は開始より後にしてください。", "The end has to lie after the beginning."),
    # keeping longer
    "hold.button": Text("保全を提案", "Keep longer"),
    "hold.title": Text("映像の保全を提案", "Propose to keep pictures longer"),
    "hold.ask": Text(
        "もう一人が確認すると、このお知らせの映像だけが決めた日まで残ります。",
        "Once a second person agrees, this alert’s pictures alone are kept until the day you set.",
    ),
    "hold.until_day": Text("いつまで(最長1年)", "Until (a year at most)"),
    "hold.incident": Text("案件番号", "Case number"),
    "hold.reason": Text("理由(10〜256文字)", "Reason (10 to 256 characters)"),
    "hold.propose": Text("提案する", "Propose"),
    "hold.done": Text("提案しました。もう一人の確認をお待ちください。", "Proposed. A second person has to agree."),
    "hold.until": Text("{time} まで", "until {time}"),
    "hold.until_wrong": Text(
        "この映像の本来の期限より後で、1年以内の日を選んでください。",
        "Please choose a day after these pictures would expire by themselves, and within a year from now.",
    ),
    "hold.proposed": Text("確認待ち", "Waits for a second person"),
    "hold.agreed": Text("封をし直しています", "Being sealed anew"),
    "hold.sealed": Text("保全中", "Kept"),
    "hold.ended": Text("終了", "Ended"),
    "hold.lapsed": Text("失効", "Lapsed"),
    "hold.proposed_by": Text("提案: {name}", "proposed by {name}"),
    "hold.agreed_by": Text("確認: {name}", "agreed by {name}"),
    "hold.agree": Text("確認して保全する", "Agree to keep"),
    "hold.end": Text("保全を終える", "End it"),
    "hold.end.sure": Text(
        "保全を終えると、この映像の鍵を破棄します。元に戻せません。",
        "Ending it destroys the key of these pictures. It cannot be undone.",
    ),
    "holds.title": Text("保全している映像", "Pictures kept by decision"),
    "holds.none": Text("保全している映像はありません", "Nothing is kept longer than usual"),
    "holds.note": Text(
        "責任者ともう一人が決め、期日に必ず終わります。",
        "Decided by a manager and a second person; each ends on its day.",
    ),
    "holds.other": Text("保全中の映像", "Kept by decision"),
    "holds.incident": Text("案件 {incident}", "Case {incident}"),
    # releasing one item
    "release.button": Text("スタッフに閲覧を許可", "Release to staff"),
    "release.title": Text("一件だけスタッフに閲覧を許可", "Release one item to one colleague"),
    "release.ask": Text(
        "選んだ一人だけが、この一件だけを、決めた時間まで確認できます。",
        "One colleague may look at this one item, until the time is over.",
    ),
    "release.to": Text("スタッフ", "Colleague"),
    "release.hours": Text("時間", "For"),
    "release.hour": Text("{count} 時間", "{count} h"),
    "release.reason": Text("理由(10〜256文字)", "Reason (10 to 256 characters)"),
    "release.do": Text("許可する", "Release"),
    "release.nobody": Text("この店舗のスタッフは登録されていません。", "This store has no staff on record."),
    "release.yours": Text("閲覧できます・{time} まで", "You may look until {time}"),
    "release.done": Text("{name} さんが {time} まで確認できます。", "{name} may look until {time}."),
    # proofs to take home
    "proofs.title": Text("自分で確かめる", "Check it yourself"),
    "proofs.note": Text(
        "次のファイルを上から順に保存し、ネットワークのない場所でも確かめられます。"
        "署名の控えは、別の場所に保管してください。",
        "Save these files, in this order, and check them offline. "
        "Keep the checkpoints where nobody here can change them.",
    ),
    "proofs.ledger": Text("台帳", "The ledger"),
    "proofs.checkpoints": Text("署名の控え", "Checkpoints"),
    "proofs.key": Text("台帳の公開鍵", "The ledger’s public key"),
    "proofs.verifier": Text("確かめるプログラム", "The verifier"),
    "proofs.command": Text(
        "確かめるコマンド。必要なものは Python 3.11 と cryptography だけです。時刻は、台帳を保存したときに入ります。",
        "The command that checks them. It needs Python 3.11 and cryptography, nothing of ours. "
        "The time is filled in when you save the ledger.",
    ),
    "proofs.saved_at": Text("台帳を保存した時刻", "when the ledger was saved"),
    "proofs.receipt": Text("鍵の番号", "Key id"),
    "proofs.receipt.get": Text("証明を受け取る", "Get its receipt"),
    "proofs.no_receipt": Text(
        "その鍵の破棄の証明は、まだありません。鍵がまだ有効か、次の署名(1分ほど)を待っています。",
        "There is no receipt of that key yet: it is alive, or the next checkpoint is still to be signed.",
    ),
    # who may do what
    "people.title": Text("だれが何をできるか", "Who may do what"),
    "people.link": Text("役割と権限", "Roles"),
    "people.note": Text(
        "この表にないことは、だれにもできません。規程にない目的には、どの役割でも鍵は渡りません。",
        "What is not in this table, nobody may do. No role gets a key for a purpose that the rules do not name.",
    ),
    "people.export": Text("JSON で保存", "Save as JSON"),
    "people.action": Text("操作", "Action"),
    "people.for": Text("目的", "For"),
    "people.yes": Text("できる", "yes"),
    "people.no": Text("できない", "no"),
    "people.released": Text("閲覧を許可された一件のみ", "released item only"),
    "people.mine": Text("あなたの役割", "Your roles"),
    # accounts
    "accounts.title": Text("アカウント", "Accounts"),
    "accounts.note": Text(
        "担当店舗のスタッフを登録し、研修と誓約の期限を記録します。変更はすべて台帳に残ります。",
        "Your stores’ staff, with training and pledge. Every change is written into the ledger.",
    ),
    "accounts.add": Text("スタッフを追加", "Add staff"),
    "accounts.name": Text("ログイン名(半角英小文字)", "Sign-in name (lower case)"),
    "accounts.display": Text("お名前", "Name"),
    "accounts.stores": Text("店舗", "Stores"),
    "accounts.roles": Text("役割", "Roles"),
    "accounts.state": Text("状態", "State"),
    "accounts.training": Text("研修の期限", "Training until"),
    "accounts.pledged": Text("誓約の署名日", "Pledge signed on"),
    "accounts.pledge": Text("誓約の期限", "Pledge until"),
    "accounts.password": Text("はじめのパスワード(12文字以上)", "First password (12 characters or more)"),
    "accounts.in_order": Text("有効", "In order"),
    "accounts.dates": Text("期限を記録", "Record dates"),
    "accounts.dates.note": Text(
        "空欄の項目は変わりません。誓約は署名日と期限の両方を入れてください。",
        "What is left empty stays. A pledge takes both of its dates.",
    ),
    "accounts.save": Text("記録する", "Record"),
    "accounts.close": Text("停止する", "Close"),
    "accounts.reopen": Text("再開する", "Open again"),
    "accounts.unreadable": Text(
        "入力をお確かめください。ログイン名は半角の英小文字・数字です。",
        "Please check what you filled in. A sign-in name is lower-case letters and digits.",
    ),
    "accounts.own": Text("自分のパスワード", "Your password"),
    "accounts.own.note": Text(
        "変更すると、すべての端末でサインアウトします。", "Changing it signs you out everywhere."
    ),
    "accounts.old": Text("いまのパスワード", "Present password"),
    "accounts.new": Text("新しいパスワード", "New password"),
    "accounts.change": Text("変更する", "Change"),
    "accounts.old_wrong": Text("いまのパスワードが一致しません。", "The present password is not right."),
    "accounts.reset": Text("パスワードを再設定", "New password"),
    "action.public_keys": Text("封をする鍵の取得", "Fetch keys to seal with"),
    "action.lease": Text("開く鍵の借用", "Borrow keys to open"),
    "action.object_key": Text("切り出しの封印", "Seal clips"),
    "action.look": Text("映像の確認", "Look at pictures"),
    "action.erase": Text("期限前の消去", "Erase early"),
    "action.hold_propose": Text("保全の提案", "Propose to keep longer"),
    "action.hold_confirm": Text("保全の確認", "Agree to keep longer"),
    "action.hold_end": Text("保全の終了", "End keeping"),
    "action.holds": Text("保全の一覧", "See what is kept"),
    "action.release": Text("スタッフへの閲覧許可", "Release to staff"),
    "action.ledger": Text("台帳の閲覧", "Read the ledger"),
    "action.status": Text("忘却の状態", "See what was forgotten"),
    "action.alerts": Text("お知らせ", "See alerts"),
    "action.flow": Text("人の流れ", "See people flow"),
    "action.cameras": Text("カメラの状態", "See cameras"),
    "flow.heat": Text("人がいた場所", "Where people were"),
    "flow.heat.most": Text("最も多い所で延べ{seconds}秒", "up to {seconds} person-seconds"),
    "flow.dwell": Text("滞在の長さ", "How long people stayed"),
    "flow.dwell.median": Text("直近の中央値 {length}", "newest median {length}"),
    "flow.dwell.below": Text("{length}未満", "below {length}"),
    "flow.dwell.between": Text("{begin}〜{end}", "{begin} – {end}"),
    "flow.dwell.from": Text("{length}以上", "{length} or more"),
    "flow.dwell.withheld": Text("少数のため一部非公表: {count}", "withheld in part, too few: {count}"),
    "flow.seen": Text("カバー率 {share}", "coverage {share}"),
    "places.title": Text("カメラの区域・線・マスク", "Zones, lines and masks of a camera"),
    "places.link": Text("区域を描く", "Draw zones"),
    "places.camera": Text("カメラ", "Camera"),
    "places.note": Text(
        "区域と線は床の上に描きます。マスクの部分は、店舗の機器を出る前に黒く塗られます。",
        "Zones and lines lie on the floor. What a mask covers is painted black before it leaves the store's device.",
    ),
    "places.keys": Text(
        "角を動かすには、ドラッグするか、Tabで選んで矢印キー(Shiftで大きく)。Deleteで消します。",
        "Drag a corner, or reach it with Tab and use the arrow keys (Shift: farther). Delete removes it.",
    ),
    "places.nobody": Text("描けるのは店舗の責任者だけです。", "Only managers of a store draw its places."),
    "places.in_force": Text("保存された内容で動いています。", "What is saved is in force."),
    "places.waits": Text(
        "保存しました。次に各処理が起動したときから有効です(デモでは数秒で自動的に再起動します)。",
        "Saved. In force once the parts start again (in a demo they do so by themselves, within seconds).",
    ),
    "places.unsaved": Text("まだ保存していません。", "Not saved yet."),
    "places.lose": Text("保存していない変更を捨てますか。", "Leave without saving what you changed?"),
    "places.changed": Text(
        "ほかの人が先に保存しました。読み直してから描いてください。",
        "Somebody saved before you. Please load the places again, then draw.",
    ),
    "places.accusing": Text(
        "「{name}」は場所の名前として使えません。中立な名前にしてください。",
        "“{name}” is no neutral name for a place. Please choose another.",
    ),
    "places.wrong": Text(
        "この内容では保存できません。名前・形・重なりを確認してください。",
        "This cannot be saved. Please check the shapes and ids: each is there once.",
    ),
    "places.reload": Text("読み直す", "Load again"),
    "places.save": Text("保存", "Save"),
    "places.undo": Text("元に戻す", "Undo"),
    "places.add.zones": Text("区域を追加", "Add a zone"),
    "places.add.lines": Text("線を追加", "Add a line"),
    "places.add.masks": Text("マスクを追加", "Add a mask"),
    "places.add.not_people": Text("物を追加", "Add a thing"),
    "places.add.people_here": Text("動かない人を追加", "Add somebody who stands still"),
    "places.kind.people_here": Text("動かなくても人", "A person, though still"),
    "places.aside": Text(
        "教えてください: 動かないため人に数えていないもの", "Set aside since it never moves: what is it?"
    ),
    "places.aside.one": Text(
        "{length}前から同じ場所(確認した画像の {share})", "In one place for {length} (in {share} of the samples)"
    ),
    "places.aside.thing": Text("物です", "It is a thing"),
    "places.aside.person": Text("人です", "It is a person"),
    "places.kind.zones": Text("区域", "Zone"),
    "places.kind.lines": Text("線", "Line"),
    "places.kind.masks": Text("マスク", "Mask"),
    "places.kind.not_people": Text("人ではない物", "Thing, no person"),
    "places.name": Text("名前(日本語 English)", "Name (日本語 English)"),
    "places.restricted": Text("関係者以外立入禁止", "Not open to visitors"),
    "places.loitering": Text("長い滞在とみなす秒数(空欄: なし)", "Long stay after, in seconds (empty: never)"),
    "places.turn": Text("向きを逆にする", "Turn round"),
    "places.into": Text("矢印の向きが「入」", "The arrow points to “in”"),
    "places.more": Text("角を増やす", "Add a corner"),
    "places.delete": Text("削除", "Delete"),
    "places.none": Text("まだ何も描かれていません。", "Nothing is drawn yet."),
    "places.corner": Text(
        "{name}の角{number}: 左から{x}%、上から{y}%", "Corner {number} of {name}: {x}% from left, {y}% from top"
    ),
    "places.whole": Text("{name}全体を動かす", "Move all of {name}"),
    "places.metres": Text("床はメートルで測定済みです。", "The floor is measured in metres."),
    "places.picture": Text("カメラの画面", "The camera's picture"),
    "places.backdrop": Text("背景を表示", "Show the place"),
    "places.backdrop.note": Text(
        "人のいない画像を作ります。見ることは台帳に残り、画像は一時間以内に消えます。",
        "A picture is made without anybody in it. The look is in the ledger; the picture is gone within an hour.",
    ),
    "places.backdrop.coming": Text("背景を作っています…", "The picture is being made…"),
    "places.backdrop.ready": Text("背景ができました。", "The picture is ready."),
    "places.backdrop.gone": Text("背景は消えました。", "The picture is gone."),
    "places.backdrop.late": Text(
        "まだ作れません。カメラの画像が足りないかもしれません。",
        "It is not there yet. There may be too few pictures of this camera.",
    ),
    "action.places": Text("区域の設定とその背景", "Draw places, and their backdrop"),
    "action.stages": Text("処理の状態", "See stages"),
    "action.accounts": Text("アカウントの管理", "Manage accounts"),
    "action.sign_in": Text("サインインの受付", "Take sign-ins"),
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
