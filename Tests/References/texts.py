"""Writes the sample texts of the fixtures: sentences of our own, put together from our own word lists.

    python3 texts.py DATA_DIR

The files have the shapes that the generators read (see README.md): `STS-B/STS-B.train.data`,
`English-STS-B/stsbenchmark.tsv.gz`, `uniem/riddle.jsonl`. The same seed gives the same texts.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path

SEED = 7401

# Chinese: who, where, and what in two wordings of one meaning.
ZH_WHO = [
    '灯塔看守人', '养蜂的老伯', '邮局的阿姨', '修表的师傅', '天文馆讲解员', '面包房学徒', '渡船船长', '山里的茶农',
    '木偶戏艺人', '列车调度员', '做风筝的小满', '画地图的阿青', '守林员老周', '钢琴调律师', '陶艺班的同学', '气象站站长',
]
ZH_WHERE = [
    '码头旁', '后山的小屋里', '老城的钟楼上', '雨后的巷子口', '图书馆二楼', '海岛的北岸', '结冰的湖边', '清晨的集市',
    '半山腰的站台', '仓库门前', '种满薄荷的院子里', '旧剧场的后台',
]
ZH_DO = [
    ('给黄铜望远镜换镜片', '把铜望远镜的镜片换成新的'), ('清点寄往外地的包裹', '把要寄到外地的包裹数一遍'),
    ('晾晒刚采的野菊花', '把新摘的野菊花铺开来晒'), ('修补漏水的木船', '把漏水的木船补好'),
    ('记录每小时的风向', '每隔一小时写下风向'), ('教邻居揉面团', '带着邻居学揉面'),
    ('给信鸽戴上脚环', '把脚环套在信鸽腿上'), ('擦洗生锈的门铃', '把锈了的门铃擦干净'),
    ('用竹条扎一盏灯笼', '拿竹条做成一盏灯笼'), ('寻找走丢的小驴', '到处找那头丢了的小驴'),
    ('给孩子们讲流星的故事', '把流星的故事讲给孩子们听'), ('把旧唱片分类放好', '按类别整理旧唱片'),
    ('测量水井的深度', '量一量那口井有多深'), ('练习吹奏短笛曲', '反复练着那首短笛曲'),
    ('给窗台的多肉浇水', '替窗台上的多肉浇点水'), ('抄写百年前的航海日志', '把一百年前的航海日志抄下来'),
]

# English, made in the same way.
EN_WHO = [
    'The lighthouse keeper', 'An old beekeeper', 'The clerk at the post office', 'A watch repairer',
    'The planetarium guide', 'A baker\'s apprentice', 'The ferry captain', 'A tea grower', 'The puppeteer',
    'A train dispatcher', 'Our kite maker', 'The map maker', 'A forest ranger named Zoé', 'The piano tuner',
    'One of the potters', 'The chief of weather station No. 9',
]
EN_WHERE = [
    'beside the pier', 'in a hut behind the hill', 'on top of the clock tower', 'at the corner after the rain',
    'on the library\'s second floor', 'on the north shore', 'by the frozen lake', 'at the dawn market',
    'on the hillside platform', 'in front of warehouse 12', 'in a yard full of mint', 'backstage at the old theatre',
]
EN_DO = [
    ('is fitting new lenses to a brass telescope', 'replaces the lenses of a telescope made of brass'),
    ('counts parcels bound for other towns', 'is counting the parcels that leave town'),
    ('is drying freshly picked chrysanthemums', 'spreads new chrysanthemums out to dry'),
    ('patches a leaking wooden boat', 'is mending a wooden boat that leaks'),
    ('writes down the wind direction every hour', 'records hourly which way the wind blows'),
    ('teaches the neighbours to knead dough', 'is showing neighbours how dough is kneaded'),
    ('puts rings on the carrier pigeons', 'is ringing the legs of the carrier pigeons'),
    ('is scrubbing a rusty doorbell', 'cleans the rust off a doorbell'),
    ('builds a lantern from bamboo strips', 'is making a lantern out of bamboo'),
    ('looks for a runaway donkey', 'is searching for the donkey that ran off'),
    ('tells the children about meteors', 'is telling a story of meteors to the children'),
    ('sorts worn-out records by label', 'is putting the old records in order'),
    ('measures how deep the well is', 'is measuring the depth of the well'),
    ('practises a tune for piccolo', 'is rehearsing a piccolo tune'),
    ('waters the succulents on the sill', 'is giving water to the windowsill succulents'),
    ('copies a hundred-year-old logbook', 'is copying out a logbook from a century ago'),
]

ENDINGS_ZH = ['。', '。', '。', '！', '']
ENDINGS_EN = ['.', '.', '.', '!', '']


def scored(rng: random.Random, who, where, do, join, endings) -> tuple[str, str, int]:
    """A pair of sentences and how much of their meaning they share: 5 all, 0 nothing."""
    score = rng.randrange(6)
    (w1, w2), (p1, p2), (d1, d2) = rng.sample(who, 2), rng.sample(where, 2), rng.sample(do, 2)
    a = (w1, p1, d1[0])
    if score == 5:
        b = (w1, p1, d1[1])
    elif score == 4:
        b = (w1, p2, d1[0])
    elif score == 3:
        b = (w2, p1, d1[1])
    elif score == 2:
        b = (w2, p2, d1[1])
    elif score == 1:
        b = (w1, p2, d2[0])
    else:
        b = (w2, p2, d2[0])
    return join(*a) + rng.choice(endings), join(*b) + rng.choice(endings), score


def join_zh(who: str, where: str, do: str) -> str:
    return f'{who}在{where}{do}'


def join_en(who: str, where: str, do: str) -> str:
    return f'{who} {do} {where}'


def question(rng: random.Random) -> tuple[str, str]:
    """A question and its answer, half of them mixing Chinese with Latin letters and numbers."""
    who, where, do = rng.choice(ZH_WHO), rng.choice(ZH_WHERE), rng.choice(ZH_DO)[0]
    number = rng.randrange(2, 60)
    return rng.choice([
        (f'问：谁在{where}{do}？', f'答：{who}'),
        (f'问：{who}在哪里{do}？', f'答：{where}'),
        (f'问：{who}今天忙什么？', f'答：{do}'),
        (f'{who}花了{number}分钟{do}，用了多久？', f'{number} min'),
        (f'Task {number}（{where}）：{do}', f'done by {who}'),
    ])


def unique(make, count: int) -> list:
    seen, rows = set(), []
    while len(rows) < count:
        row = make()
        if row[0] not in seen:
            seen.add(row[0])
            rows.append(row)
    return rows


def write(folder: Path, count: int = 320) -> None:
    rng = random.Random(SEED)
    zh = unique(lambda: scored(rng, ZH_WHO, ZH_WHERE, ZH_DO, join_zh, ENDINGS_ZH), count)
    en = unique(lambda: scored(rng, EN_WHO, EN_WHERE, EN_DO, join_en, ENDINGS_EN), count)
    questions = unique(lambda: question(rng), count)
    for name in ('STS-B', 'English-STS-B', 'uniem'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = ''.join(f'{a}\t{b}\t{score}\n' for a, b, score in zh)
    (folder / 'STS-B' / 'STS-B.train.data').write_text(lines, encoding='utf-8')
    header = 'split\tgenre\tdataset\tyear\tsid\tscore\tsentence1\tsentence2\n'
    body = ''.join(
        f'train\tmade\tfixtures\t0\t{i:04d}\t{score + (i % 5) * 0.2 if score < 5 else 5:.1f}\t{a}\t{b}\n'
        for i, (a, b, score) in enumerate(en))
    with open(folder / 'English-STS-B' / 'stsbenchmark.tsv.gz', 'wb') as file:
        with gzip.GzipFile(filename='', mode='wb', fileobj=file, mtime=0) as packed:
            packed.write((header + body).encode('utf-8'))
    rows = ''.join(json.dumps({'instruction': q, 'output': a}, ensure_ascii=False) + '\n' for q, a in questions)
    (folder / 'uniem' / 'riddle.jsonl').write_text(rows, encoding='utf-8')


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(Path(sys.argv[1]))
