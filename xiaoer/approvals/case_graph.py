"""The case graph: quote → policy → approve → execute → read back → tell. Wiring only."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.nodes.approve import after_approve, await_decision
from xiaoer.approvals.nodes.execute import after_execute, execute_case
from xiaoer.approvals.nodes.policy import after_policy, follow_policy
from xiaoer.approvals.nodes.quote import load_quote
from xiaoer.approvals.nodes.read_back import after_read_back, read_back_case
from xiaoer.approvals.nodes.tell import tell_customer
from xiaoer.approvals.state import CaseState

CaseGraph = CompiledStateGraph[CaseState, CaseContext, CaseState, CaseState]


def build_case_graph(saver: BaseCheckpointSaver[Any]) -> CaseGraph:
    graph = StateGraph(CaseState, context_schema=CaseContext)
    graph.add_node("quote", load_quote)
    graph.add_node("policy", follow_policy)
    graph.add_node("approve", await_decision)
    graph.add_node("execute", execute_case)
    graph.add_node("read_back", read_back_case)
    graph.add_node("tell", tell_customer)

    graph.add_edge(START, "quote")
    graph.add_edge("quote", "policy")
    graph.add_conditional_edges("policy", after_policy)
    graph.add_conditional_edges("approve", after_approve)
    graph.add_conditional_edges("execute", after_execute)
    graph.add_conditional_edges("read_back", after_read_back)
    graph.add_edge("tell", END)
    return graph.compile(checkpointer=saver)
