"""The questions and answers that Scripts/generate-datasets uses. Written for swift-uniem; Apache-2.0."""

CITIES = [
    ("Beijing", "北京"), ("Shanghai", "上海"), ("Guangzhou", "广州"), ("Chengdu", "成都"),
    ("Xi'an", "西安"), ("London", "伦敦"), ("Paris", "巴黎"), ("Tokyo", "东京"), ("Berlin", "柏林"),
    ("Sydney", "悉尼"), ("Rome", "罗马"), ("Toronto", "多伦多"),
]
PRODUCTS = [
    ("phone", "手机"), ("laptop", "笔记本电脑"), ("camera", "相机"), ("printer", "打印机"),
    ("headset", "耳机"), ("television", "电视机"), ("vacuum cleaner", "吸尘器"), ("rice cooker", "电饭锅"),
    ("keyboard", "键盘"), ("kettle", "电水壶"), ("microwave", "微波炉"), ("fan", "电风扇"),
]
SUBJECTS = [
    ("English", "英语"), ("mathematics", "数学"), ("physics", "物理"), ("chemistry", "化学"),
    ("history", "历史"), ("geography", "地理"), ("programming", "编程"), ("drawing", "绘画"),
    ("swimming", "游泳"), ("photography", "摄影"), ("cooking", "烹饪"), ("chess", "象棋"),
]
ACCOUNTS = [
    ("bank account", "银行账户"), ("email account", "邮箱账号"), ("library account", "图书馆账号"),
    ("school account", "校园账号"), ("shopping account", "购物账号"), ("gym account", "健身房账号"),
    ("game account", "游戏账号"), ("cloud account", "云盘账号"),
]

# Group -> (slot values, intents); intent -> (English questions, Chinese questions, English answers, Chinese answers).
# Questions of one intent mean the same; intents of one group are close relatives with other answers.
GROUPS = {
    "city": (CITIES, {
        "weather": (
            ["What will the weather be like in {} tomorrow?", "Is it going to rain in {} tomorrow?",
             "Tell me tomorrow's forecast for {}.", "Do I need an umbrella in {} tomorrow?"],
            ["{}明天天气怎么样？", "明天{}会下雨吗？", "请告诉我{}明天的天气预报。", "明天去{}要带伞吗？"],
            ["Light rain is expected in {} tomorrow, so take an umbrella.",
             "Tomorrow will be wet in {}, with showers until the evening."],
            ["预计{}明天有小雨，出门请带伞。", "{}明天阴有阵雨，傍晚才会停。"]),
        "train": (
            ["How do I get to {} by train?", "Which train goes to {}?", "I want to take the railway to {}.",
             "Where can I buy a rail ticket to {}?"],
            ["怎么坐火车去{}？", "去{}应该坐哪趟列车？", "我想乘火车到{}。", "到{}的火车票在哪里买？"],
            ["Express trains to {} leave every two hours; tickets are sold at the station.",
             "Take the fast train from platform three, which ends in {}."],
            ["开往{}的快车每两小时一班，车站有票出售。", "请在三号站台乘坐终点为{}的列车。"]),
        "food": (
            ["What should I eat in {}?", "Which dishes is {} famous for?", "Recommend some local food in {}.",
             "What are the typical snacks of {}?"],
            ["在{}应该吃什么？", "{}有哪些有名的菜？", "请推荐一些{}的本地美食。", "{}的特色小吃是什么？"],
            ["Try the small family restaurants in the old town of {}; their set lunch is excellent.",
             "The night market of {} has the best local snacks."],
            ["可以去{}老城区的小饭馆，那里的午餐很好吃。", "{}的夜市有最地道的小吃。"]),
        "sights": (
            ["What is worth seeing in {}?", "Which sights should I visit in {}?",
             "Where do visitors go in {}?", "Suggest some places of interest in {}."],
            ["{}有什么值得看的？", "去{}应该参观哪些景点？", "游客在{}一般去哪里玩？", "请推荐几个{}的名胜。"],
            ["The old town and the city museum of {} are the sights most people visit.",
             "Start with the museum in {} and walk to the tower in the afternoon."],
            ["{}的老城和市博物馆是大多数人会去的景点。", "在{}可以先看博物馆，下午再步行去塔楼。"]),
        "hotel": (
            ["Where can I stay overnight in {}?", "Is there a cheap hotel in {}?",
             "I need a room in {} for two nights.", "Which part of {} is good for accommodation?"],
            ["在{}晚上住哪里？", "{}有便宜的酒店吗？", "我需要在{}订两晚的房间。", "{}住在哪个区比较好？"],
            ["There are affordable rooms near the central station of {}.",
             "Guest houses in the north of {} are quiet and not expensive."],
            ["{}中心车站附近有价格实惠的房间。", "{}北部的旅馆安静而且不贵。"]),
    }),
    "product": (PRODUCTS, {
        "return": (
            ["How can I return the {}?", "I want to send the {} back.", "Can I get my money back for the {}?",
             "I do not like the {}; what about a refund?"],
            ["{}怎么退货？", "我想把{}退回去。", "买的{}能退款吗？", "我不喜欢这个{}，可以退钱吗？"],
            ["You may send the {} back within thirty days and get a full refund.",
             "Print the return label for the {} and hand the parcel in at any post office."],
            ["{}三十天内可以寄回，我们全额退款。", "请打印{}的退货单，到任何邮局寄出即可。"]),
        "broken": (
            ["The {} does not turn on.", "My {} is broken; what should I do?", "Why is the {} not working?",
             "The {} stopped working after a week."],
            ["{}打不开了。", "我的{}坏了怎么办？", "为什么{}不能用？", "{}用了一个星期就不工作了。"],
            ["Check the cable of the {} first; if that does not help, our workshop repairs it.",
             "A faulty {} is repaired free of charge during the warranty."],
            ["请先检查{}的电源线，还不行就送到维修点。", "保修期内{}出现故障可以免费维修。"]),
        "delivery": (
            ["When will the {} arrive?", "Where is the {} that I ordered?", "How long does shipping of the {} take?",
             "My {} has not been delivered yet."],
            ["{}什么时候到？", "我订的{}到哪里了？", "{}的运送需要多久？", "我的{}还没有收到。"],
            ["The {} was dispatched today and reaches you in three days.",
             "Delivery of the {} takes two to four working days."],
            ["{}今天已经发货，三天后送达。", "{}的配送需要两到四个工作日。"]),
        "price": (
            ["How much does the {} cost?", "What is the price of the {}?", "Is the {} on sale at the moment?",
             "Is there a discount for the {}?"],
            ["{}多少钱？", "这个{}的价格是多少？", "{}现在有活动吗？", "买{}有优惠吗？"],
            ["The {} costs ninety-nine this week, twenty less than usual.",
             "With the current discount you pay eighty percent of the normal price of the {}."],
            ["{}本周售价九十九，比平时便宜二十。", "现在购买{}可以享受八折优惠。"]),
    }),
    "subject": (SUBJECTS, {
        "learn": (
            ["How can I learn {} on my own?", "What is the best way to study {}?",
             "Give me some advice for teaching myself {}.", "I am a beginner; how do I start with {}?"],
            ["怎么自学{}？", "学习{}最好的方法是什么？", "请给我一些自学{}的建议。", "零基础怎么开始学{}？"],
            ["Practise {} half an hour every day and keep notes of your mistakes.",
             "Begin with a short introduction to {}, then solve small exercises daily."],
            ["每天练习{}半小时，并记下自己的错误。", "先看一本{}入门书，然后每天做小练习。"]),
        "teacher": (
            ["Where can I find a tutor for {}?", "I am looking for someone who gives {} lessons.",
             "Who teaches {} in this town?", "Can you name a good {} teacher?"],
            ["哪里能找到{}家教？", "我想找人辅导{}。", "本地谁教{}？", "能介绍一位好的{}老师吗？"],
            ["The community college has a list of private tutors for {}.",
             "Two experienced people offer {} lessons at the youth centre."],
            ["社区学院有一份{}家教名单。", "青年中心有两位经验丰富的老师开{}课。"]),
        "exam": (
            ["When is the {} exam?", "On which day do we take the {} test?", "What is the date of the {} examination?",
             "Has the {} exam been scheduled yet?"],
            ["{}什么时候考试？", "{}测验是哪一天？", "请问{}考试的日期？", "{}考试的时间定了吗？"],
            ["The {} test is on the second Monday of June at nine.",
             "Candidates for {} are examined on the twelfth in room four."],
            ["{}测验在六月第二个星期一上午九点。", "{}考生十二号在四号教室应考。"]),
    }),
    "account": (ACCOUNTS, {
        "password": (
            ["I forgot the password of my {}.", "How do I reset the password of my {}?",
             "I cannot remember how to log in to my {}.", "Help me recover access to my {}."],
            ["我忘了{}的密码。", "怎么重置{}的密码？", "我记不起{}怎么登录了。", "请帮我找回{}。"],
            ["Click on the link under the login form and we send you a new password for your {}.",
             "A code sent to your phone lets you choose another password for the {}."],
            ["点击登录框下方的链接，我们会发送{}的新密码。", "用手机收到的验证码可以为{}设置新密码。"]),
        "open": (
            ["How do I open a {}?", "I would like to register for a new {}.", "What do I need to set up a {}?",
             "Sign me up for a {}."],
            ["怎么开通{}？", "我想注册一个新的{}。", "办理{}需要什么材料？", "请帮我申请{}。"],
            ["Bring your identity card and fill in one form to open a {}.",
             "Registration for a {} takes five minutes and needs only your identity card."],
            ["带上身份证并填写一张表就能开通{}。", "注册{}只需五分钟，出示身份证即可。"]),
        "close": (
            ["How do I close my {}?", "I want to delete my {}.", "Please cancel my {} for good.",
             "I no longer need my {}; how can I get rid of it?"],
            ["怎么注销{}？", "我想删除{}。", "请永久取消我的{}。", "我不再需要{}，怎么去掉？"],
            ["Write to the help desk and your {} is removed within a week.",
             "After you confirm by mail, the {} and its data are deleted."],
            ["写信给客服，{}会在一周内移除。", "邮件确认之后，{}及其数据将被清除。"]),
    }),
}
