"""Merkle trees as RFC 6962 has them; proofs are checked by the verifier, which has an implementation of its own."""

from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.vault import verify
from pipeline.vault.merkle import (
    EMPTY,
    Peaks,
    consistency_proof,
    grown,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    tree_hash,
)

# The test vectors of Certificate Transparency's own implementations.
LEAVES = [
    leaf_hash(bytes.fromhex(each))
    for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PAIR = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LAST_PAIR = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
RIGHT_HALF = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
THIRD_PAIR = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

leaves = st.lists(st.binary(max_size=4).map(leaf_hash), min_size=1, max_size=40)


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    assert tree_hash(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_a_tree_without_leaves() -> None:
    assert tree_hash([]) == EMPTY == sha256(b"").digest()


@pytest.mark.parametrize(
    ("size", "index", "path"),
    [
        (1, 0, []),
        (8, 0, [SECOND, PAIR, RIGHT_HALF]),
        (8, 5, [FIFTH, LAST_PAIR, ROOTS[3]]),
        (3, 2, [ROOTS[1]]),
        (5, 1, [ROOTS[0], PAIR, FIFTH]),
    ],
)
def test_known_inclusion_proofs(size: int, index: int, path: list[str]) -> None:
    assert [each.hex() for each in inclusion_proof(LEAVES[:size], index)] == path


@pytest.mark.parametrize(
    ("old", "size", "path"),
    [(1, 1, []), (1, 8, [SECOND, PAIR, RIGHT_HALF]), (6, 8, [THIRD_PAIR, LAST_PAIR, ROOTS[3]]), (2, 5, [PAIR, FIFTH])],
)
def test_known_consistency_proofs(old: int, size: int, path: list[str]) -> None:
    assert [each.hex() for each in consistency_proof(LEAVES[:size], old)] == path


def _by_the_book(found: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if len(found) == 1:
        return found[0]
    split = max(1 << power for power in range(8) if 1 << power < len(found))
    return node_hash(_by_the_book(found[:split]), _by_the_book(found[split:]))


@given(leaves)
def test_growing_leaf_by_leaf_gives_the_root_of_the_whole(found: list[bytes]) -> None:
    peaks: Peaks = ()
    theirs: verify.Peaks = ()
    for leaf in found:
        peaks, theirs = grown(peaks, leaf), verify.grown(theirs, leaf)

    assert root_of(peaks) == verify.root_of(theirs) == _by_the_book(found)


@given(leaves, st.data())
def test_r20_every_leaf_is_proved_where_it_stands_and_nowhere_else(found: list[bytes], data: st.DataObject) -> None:
    found = [leaf_hash(bytes([place]) + each) for place, each in enumerate(found)]
    index = data.draw(st.integers(0, len(found) - 1))
    other = data.draw(st.integers(-1, len(found)))
    proof, root = inclusion_proof(found, index), tree_hash(found)

    assert verify.is_included(found[index], index, len(found), root, proof)
    assume(other != index)
    assert not verify.is_included(leaf_hash(b"another one"), index, len(found), root, proof)
    assert not verify.is_included(found[index], other, len(found), root, proof)
    assert not verify.is_included(found[index], index, len(found), root, (*proof, root))
    assert not proof or not verify.is_included(found[index], index, len(found), root, proof[:-1])


@given(leaves, st.data())
def test_r20_a_tree_that_grew_is_proved_and_one_that_changed_is_not(found: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(found)))
    changed = data.draw(st.integers(0, old - 1))
    proof, root = consistency_proof(found, old), tree_hash(found)
    before = tree_hash(found[:old])
    otherwise = tree_hash([*found[:changed], leaf_hash(b"changed"), *found[changed + 1 : old]])

    assert verify.is_consistent(old, before, len(found), root, proof)
    assert not verify.is_consistent(old, otherwise, len(found), root, proof)
    assert not verify.is_consistent(old, before, len(found), leaf_hash(b"other"), proof)
    assert not verify.is_consistent(old, before, len(found), root, (*proof, root))
    assert not verify.is_consistent(old, before, old - 1, root, proof)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_proof(LEAVES[:3], index)


@pytest.mark.parametrize("size", [0, 4])
def test_no_tree_grew_out_of_none_or_a_larger_one(size: int) -> None:
    with pytest.raises(IndexError):
        consistency_proof(LEAVES[:3], size)
