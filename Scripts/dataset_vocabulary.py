"""The words that Scripts/generate-datasets makes sentences of. Written for swift-uniem; Apache-2.0."""

# Who: English singulars and plurals (synonyms in the same order), Chinese nouns, Chinese classifiers.
AGENTS = {
    "man": ([("man", "men"), ("guy", "guys")], ["男人", "男子"], ["个", "名"]),
    "woman": ([("woman", "women"), ("lady", "ladies")], ["女人", "女士"], ["位"]),
    "child": ([("child", "children"), ("kid", "kids")], ["孩子", "小朋友"], ["个"]),
    "elder": (
        [("senior citizen", "senior citizens"), ("retiree", "retirees")],
        ["老人", "老年人"],
        ["位"],
    ),
    "teacher": ([("teacher", "teachers"), ("schoolteacher", "schoolteachers")], ["老师", "教师"], ["位", "名"]),
    "doctor": ([("doctor", "doctors"), ("physician", "physicians")], ["医生", "大夫"], ["位", "名"]),
    "farmer": ([("farmer", "farmers"), ("villager", "villagers")], ["农民", "村民"], ["位", "个"]),
    "student": ([("student", "students"), ("pupil", "pupils")], ["学生"], ["名", "个"]),
    "officer": (
        [("police officer", "police officers"), ("cop", "cops")],
        ["警察", "民警"],
        ["名", "位"],
    ),
    "cook": ([("cook", "cooks"), ("chef", "chefs")], ["厨师", "大厨"], ["位", "名"]),
    "driver": ([("bus driver", "bus drivers")], ["公交司机", "公交车驾驶员"], ["位", "名"]),
    "nurse": ([("nurse", "nurses")], ["护士"], ["位", "名"]),
    "tourist": ([("tourist", "tourists"), ("traveller", "travellers")], ["游客", "旅行者"], ["名", "位"]),
    "soldier": ([("soldier", "soldiers")], ["士兵", "军人"], ["名"]),
    "engineer": ([("engineer", "engineers")], ["工程师"], ["位", "名"]),
    "neighbour": (
        [("neighbour of mine", "neighbours of mine"), ("person living next door", "people living next door")],
        ["邻居", "隔壁住户"],
        ["位"],
    ),
}

NUMBERS = {1: (None, "一"), 2: ("two", "两"), 3: ("three", "三"), 4: ("four", "四"), 5: ("five", "五")}

PLACES = {
    "park": (["in the park", "in the public garden"], ["公园里", "公园中"]),
    "street": (["on the street", "by the roadside"], ["街上", "马路边"]),
    "school": (["at the school", "on the school grounds"], ["学校里", "校园里"]),
    "station": (["at the station", "at the railway station"], ["车站", "火车站"]),
    "kitchen": (["in the kitchen", "in the kitchen area"], ["厨房里", "厨房中"]),
    "market": (["at the market", "at the street market"], ["集市上", "市场里"]),
    "village": (["in the village", "in a country village"], ["村子里", "乡村里"]),
    "beach": (["on the beach", "at the seaside"], ["海滩上", "海边"]),
    "library": (["in the library", "in the reading room"], ["图书馆里", "阅览室里"]),
    "garage": (["in the garage", "in the car shed"], ["车库里", "车棚里"]),
    "yard": (["in the yard", "in the courtyard"], ["院子里", "庭院里"]),
    "hospital": (["at the hospital", "at the clinic"], ["医院里", "诊所里"]),
    "shop": (["in the shop", "in the store"], ["商店里", "店里"]),
    "hall": (["in the concert hall", "in the theatre"], ["音乐厅里", "剧场里"]),
    "riverside": (["by the river", "on the riverbank"], ["河边", "河岸上"]),
    "gym": (["in the sports hall", "at the gym"], ["体育馆里", "健身馆里"]),
}

TIMES = {
    "morning": (["yesterday morning", "early yesterday"], ["昨天早上", "昨天清晨"]),
    "evening": (["last night", "yesterday evening"], ["昨晚", "昨天晚上"]),
    "sunday": (["on Sunday", "last Sunday"], ["星期天", "周日"]),
    "friday": (["on Friday afternoon", "late on Friday"], ["星期五下午", "周五下午"]),
    "spring": (["in spring", "during the spring"], ["春天", "春季"]),
    "month": (["a month ago", "last month"], ["一个月前", "上个月"]),
    "noon": (["at noon", "at midday"], ["中午", "正午"]),
    "holiday": (["during the holidays", "on holiday"], ["假期里", "放假时"]),
}


def verb(base, past=None, ing=None, pp=None):
    """English forms; regular unless given."""
    stem = base[:-1] if base.endswith("e") else base
    past = past or stem + "ed"
    return {"base": base, "past": past, "ing": ing or stem + "ing", "pp": pp or past}


PLAY, PRACTISE = verb("play"), verb("practise")
# Domain -> (places, actions); action -> (English verbs, objects);
# object -> (English synonyms, plural?, Chinese verb phrases, Chinese passive as (noun, result) or None).
DOMAINS = {
    "music": (["park", "street", "school", "hall", "yard"], {
        "play music": ([PLAY, PRACTISE], {
            "violin": (["the violin", "the fiddle"], False, ["拉小提琴", "演奏小提琴"], None),
            "guitar": (["the guitar", "an acoustic guitar"], False, ["弹吉他", "弹奏吉他"], None),
            "piano": (["the piano", "the grand piano"], False, ["弹钢琴", "演奏钢琴"], None),
            "drums": (["the drums", "a set of drums"], True, ["打鼓", "敲鼓"], None),
            "flute": (["the flute", "a bamboo flute"], False, ["吹笛子", "吹奏长笛"], None),
        }),
    }),
    "food": (["kitchen", "school", "yard", "hospital", "market"], {
        "cook": ([verb("cook"), verb("prepare"), verb("make", "made")], {
            "noodles": (["noodles", "a bowl of noodles"], True, ["煮面条", "做面条"], ("一碗面条", "做好了")),
            "soup": (["soup", "a pot of soup"], False, ["煮汤", "熬汤"], ("一锅汤", "熬好了")),
            "dumplings": (["dumplings", "Chinese dumplings"], True, ["包饺子", "做饺子"], ("一盘饺子", "做好了")),
            "fish": (["fish", "a fish dish"], False, ["做鱼", "烧鱼"], ("一条鱼", "烧好了")),
            "rice": (["rice", "a pot of rice"], False, ["煮米饭", "做米饭"], ("一锅米饭", "煮好了")),
        }),
        "eat": ([verb("eat", "ate", pp="eaten"), verb("enjoy")], {
            "noodles": (["noodles", "a bowl of noodles"], True, ["吃面条", "品尝面条"], ("一碗面条", "吃完了")),
            "soup": (["soup", "a pot of soup"], False, ["喝汤", "品尝热汤"], ("一锅汤", "喝完了")),
            "dumplings": (["dumplings", "Chinese dumplings"], True, ["吃饺子", "品尝饺子"], ("一盘饺子", "吃完了")),
            "apples": (["apples", "some apples"], True, ["吃苹果", "品尝苹果"], ("几个苹果", "吃掉了")),
            "cake": (["cake", "a piece of cake"], False, ["吃蛋糕", "品尝蛋糕"], ("一块蛋糕", "吃掉了")),
        }),
    }),
    "trade": (["market", "shop", "street", "station", "village"], {
        "buy": ([verb("buy", "bought"), verb("purchase")], {
            "shoes": (["shoes", "a pair of shoes"], True, ["买鞋", "购买鞋子"], ("一双鞋", "买走了")),
            "phone": (["a phone", "a mobile phone"], False, ["买手机", "购买手机"], ("一部手机", "买走了")),
            "umbrella": (["an umbrella"], False, ["买雨伞", "购买雨伞"], ("一把雨伞", "买走了")),
            "vegetables": (["vegetables", "fresh vegetables"], True, ["买菜", "购买蔬菜"], ("一些蔬菜", "买走了")),
            "coat": (["a coat", "a winter coat"], False, ["买大衣", "购买外套"], ("一件大衣", "买走了")),
        }),
        "sell": ([verb("sell", "sold")], {
            "shoes": (["shoes", "a pair of shoes"], True, ["卖鞋", "出售鞋子"], ("一双鞋", "卖掉了")),
            "phone": (["a phone", "a mobile phone"], False, ["卖手机", "出售手机"], ("一部手机", "卖掉了")),
            "umbrella": (["an umbrella"], False, ["卖雨伞", "出售雨伞"], ("一把雨伞", "卖掉了")),
            "vegetables": (["vegetables", "fresh vegetables"], True, ["卖菜", "出售蔬菜"], ("一些蔬菜", "卖掉了")),
            "coat": (["a coat", "a winter coat"], False, ["卖大衣", "出售外套"], ("一件大衣", "卖掉了")),
        }),
    }),
    "machines": (["garage", "yard", "street", "school", "village"], {
        "repair": ([verb("repair"), verb("fix"), verb("mend")], {
            "bicycle": (["a bicycle", "a bike"], False, ["修自行车", "修理单车"], ("一辆自行车", "修好了")),
            "car": (["a car", "an automobile"], False, ["修汽车", "修理轿车"], ("一辆汽车", "修好了")),
            "computer": (["a computer", "a laptop"], False, ["修电脑", "修理计算机"], ("一台电脑", "修好了")),
            "washer": (["a washing machine"], False, ["修洗衣机", "修理洗衣机"], ("一台洗衣机", "修好了")),
            "door": (["a broken door", "a damaged door"], False, ["修门", "修理坏门"], ("一扇门", "修好了")),
        }),
        "wash": ([verb("wash"), verb("clean")], {
            "bicycle": (["a bicycle", "a bike"], False, ["洗自行车", "清洗单车"], ("一辆自行车", "洗干净了")),
            "car": (["a car", "an automobile"], False, ["洗汽车", "清洗轿车"], ("一辆汽车", "洗干净了")),
            "windows": (["the windows", "the window panes"], True, ["擦窗户", "清洁玻璃窗"], ("窗户", "擦干净了")),
            "bus": (["a bus", "a coach"], False, ["洗公交车", "清洗大巴"], ("一辆公交车", "洗干净了")),
        }),
    }),
    "reading": (["library", "school", "park", "station", "hospital"], {
        "read": ([verb("read", "read"), verb("study", "studied", "studying")], {
            "newspaper": (["a newspaper", "a daily paper"], False, ["看报纸", "读报"], None),
            "novel": (["a novel", "a work of fiction"], False, ["看小说", "读小说"], None),
            "letter": (["a letter", "a handwritten letter"], False, ["看信", "读信"], None),
            "report": (["a report", "a written report"], False, ["看报告", "读报告"], None),
            "map": (["a map", "a road map"], False, ["看地图", "查看地图"], None),
        }),
        "write": ([verb("write", "wrote", pp="written")], {
            "novel": (["a novel", "a work of fiction"], False, ["写小说", "创作小说"], ("一部小说", "写完了")),
            "letter": (["a letter", "a handwritten letter"], False, ["写信", "手写书信"], ("一封信", "写完了")),
            "report": (["a report", "a written report"], False, ["写报告", "撰写报告"], ("一份报告", "写完了")),
            "poem": (["a poem", "some verses"], False, ["写诗", "创作诗歌"], ("一首诗", "写完了")),
        }),
    }),
    "art": (["park", "beach", "riverside", "village", "school"], {
        "paint": ([verb("paint"), verb("draw", "drew", pp="drawn")], {
            "mountain": (["the mountains", "the hills"], True, ["画山", "描绘山景"], ("山景", "画了下来")),
            "portrait": (["a portrait", "a picture of a face"], False, ["画肖像", "画人像"], ("一幅肖像", "画好了")),
            "bridge": (["a stone bridge", "an old bridge"], False, ["画石桥", "描绘古桥"], ("一座石桥", "画了下来")),
            "flowers": (["flowers", "some flowers"], True, ["画花", "描绘花朵"], ("几朵花", "画了下来")),
        }),
        "photograph": ([verb("photograph"), verb("film")], {
            "mountain": (["the mountains", "the hills"], True, ["拍山", "拍摄山景"], ("山景", "拍了下来")),
            "birds": (["birds", "some birds"], True, ["拍鸟", "拍摄小鸟"], ("几只鸟", "拍了下来")),
            "bridge": (["a stone bridge", "an old bridge"], False, ["拍石桥", "拍摄古桥"], ("一座石桥", "拍了下来")),
            "boats": (["boats", "some boats"], True, ["拍船", "拍摄小船"], ("几条船", "拍了下来")),
        }),
    }),
    "sport": (["gym", "school", "park", "beach", "yard"], {
        "play sport": ([PLAY, PRACTISE], {
            "football": (["football", "soccer"], False, ["踢足球", "踢球"], None),
            "basketball": (["basketball"], False, ["打篮球", "练篮球"], None),
            "ping-pong": (["table tennis", "ping-pong"], False, ["打乒乓球", "练乒乓球"], None),
            "badminton": (["badminton"], False, ["打羽毛球", "练羽毛球"], None),
            "chess": (["chess"], False, ["下象棋", "下棋"], None),
        }),
    }),
    "garden": (["yard", "park", "village", "riverside", "school"], {
        "plant": ([verb("plant", ing="planting")], {
            "trees": (["trees", "young trees"], True, ["种树", "栽树"], ("几棵树", "种下了")),
            "roses": (["roses", "rose bushes"], True, ["种玫瑰", "栽种玫瑰"], ("几株玫瑰", "种下了")),
            "tomatoes": (["tomatoes", "tomato plants"], True, ["种番茄", "栽种西红柿"], ("几株番茄", "种下了")),
        }),
        "water": ([verb("water")], {
            "trees": (["trees", "young trees"], True, ["给树浇水", "浇灌小树"], None),
            "roses": (["roses", "rose bushes"], True, ["给玫瑰浇水", "浇灌玫瑰"], None),
            "tomatoes": (["tomatoes", "tomato plants"], True, ["给番茄浇水", "浇灌西红柿"], None),
        }),
    }),
    "moving": (["station", "yard", "street", "hospital", "shop"], {
        "carry": ([verb("carry", "carried", "carrying"), verb("move")], {
            "boxes": (["boxes", "cardboard boxes"], True, ["搬箱子", "搬运纸箱"], ("几个箱子", "搬走了")),
            "sofa": (["a sofa", "a couch"], False, ["搬沙发", "搬运长沙发"], ("一张沙发", "搬走了")),
            "luggage": (["luggage", "baggage"], False, ["搬行李", "搬运行李"], ("行李", "搬走了")),
            "table": (["a table", "a wooden table"], False, ["搬桌子", "搬运木桌"], ("一张桌子", "搬走了")),
        }),
    }),
}

# Who does something to whom: English verbs, Chinese verbs; both ways round make sense.
ROLE_ACTORS = {
    "teacher": (["the teacher", "the schoolteacher"], ["老师", "教师"]),
    "student": (["the student", "the pupil"], ["学生"]),
    "doctor": (["the doctor", "the physician"], ["医生", "大夫"]),
    "nurse": (["the nurse"], ["护士"]),
    "manager": (["the manager", "the boss"], ["经理", "老板"]),
    "clerk": (["the clerk", "the office worker"], ["职员", "办事员"]),
    "lawyer": (["the lawyer", "the attorney"], ["律师"]),
    "driver": (["the driver", "the chauffeur"], ["司机", "驾驶员"]),
    "singer": (["the singer", "the vocalist"], ["歌手", "演唱者"]),
    "reporter": (["the reporter", "the journalist"], ["记者", "新闻记者"]),
}
ROLE_VERBS = {
    "praise": ([("praised", "praised"), ("complimented", "complimented")], ["表扬", "夸奖"]),
    "criticise": ([("criticised", "criticised"), ("scolded", "scolded")], ["批评", "责备"]),
    "invite": ([("invited", "invited")], ["邀请"]),
    "deceive": ([("deceived", "deceived"), ("cheated", "cheated")], ["欺骗", "骗"]),
    "save": ([("saved", "saved"), ("rescued", "rescued")], ["救", "解救"]),
    "recognise": ([("recognised", "recognised"), ("identified", "identified")], ["认出来", "辨认出来"]),
}
