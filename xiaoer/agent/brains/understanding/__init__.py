"""What a customer's message means: intents, slots, language, mood, yes or no. No model, no network."""

from xiaoer.agent.brains.understanding.understander import Understander, load_understander

__all__ = ["Understander", "load_understander"]
