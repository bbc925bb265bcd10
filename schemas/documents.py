"""The contracts as documents for others: JSON Schema of each message, AsyncAPI of all topics."""

import json
from datetime import timedelta
from typing import Any, Final

from schemas.topics import MESSAGES, Lives, Topic, topics

_SHOWN_TTL: Final = timedelta(hours=1)


def documents() -> dict[str, str]:
    """Return the text of every generated file by its name; same code, same bytes."""
    schemas = {f"{name}.schema.json": _text(message.model_json_schema()) for name, message in MESSAGES.items()}
    return {**schemas, "asyncapi.json": _text(asyncapi())}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of every topic that carries messages."""
    carried = [topic for topic in topics(Lives(_SHOWN_TTL)).values() if topic.messages]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mimamori",
            "version": "1",
            "description": "CloudEvents 1.0 on Kafka, binary mode. Frame lifetimes are shown for a frame TTL of 1 h.",
        },
        "channels": {topic.name: _channel(topic) for topic in carried},
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "contentType": "image/jpeg" if name == "mimamori.frame.v1" else "application/json",
                    "summary": (message.__doc__ or "").strip().splitlines()[0],
                    "payload": {"$ref": f"{name}.schema.json"},
                }
                for name, message in MESSAGES.items()
            }
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    about = f"{topic.items}. For: {topic.purpose}. Used by: {topic.scope}. Responsible: {topic.responsible}."
    return {
        "address": topic.name,
        "description": about,
        "messages": {each.ce_type: {"$ref": f"#/components/messages/{each.ce_type}"} for each in topic.messages},
        "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": topic.config}},
        "x-data-class": topic.data_class.value,
    }


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
