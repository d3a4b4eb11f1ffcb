------------------------------ MODULE Simplex ------------------------------
(***************************************************************************)
(* One height of Simplex consensus (Chan and Pass 2023, ePrint 2023/463)   *)
(* as swarm/consensus does it.  Each definition names the function that it *)
(* stands for; docs/spec/README.md says what is checked and how.           *)
(*                                                                         *)
(* What is left out, and why nothing is lost for agreement:                *)
(*                                                                         *)
(* - Messages.  A member acts on certificates that it holds; here it acts  *)
(*   on any that could exist.  Every rule asks for certificates and none   *)
(*   for their absence, so delay, loss, repetition and reordering are all  *)
(*   covered: they only make a member act later, or never.                 *)
(* - Liars.  `Lies' is what they have signed, from the start: with all     *)
(*   votes at once nothing that they could do later is left out.           *)
(* - The view that a member is in.  It may be any that it could have       *)
(*   reached: after a crash a member knows its own votes and nothing else, *)
(*   so this covers crashes at any moment, too.                            *)
(* - Proposals.  In a liar's view any block that fits may be notarised; in *)
(*   an honest leader's, one only.                                         *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, TLC

CONSTANTS
    Honest,       \* members that follow the rules
    Liars,        \* members that do not
    Blocks,       \* what could be proposed afresh
    Last,         \* views are 1 .. Last
    HonestViews,  \* views whose leader is honest
    Stable,       \* from this view on no honest leader is timed out
    Lies,         \* what liars have signed
    Broken        \* names of rules that are broken on purpose

VARIABLES
    sent,         \* votes of each honest member, for all to see: they cannot be taken back
    remembered    \* purpose and view of the votes that it knows of itself: the vote log

vars == <<sent, remembered>>

View == 1 .. Last
NoBlock == "no block"
Votes == ({"notarize", "finalize"} \X View \X Blocks) \cup ({"nullify"} \X View \X {NoBlock})
Everything == Votes
Nothing == {}
Symmetry == Permutations(Honest) \cup Permutations(Blocks)

(* swarm.ledger.genesis: fault_bound and quorum (R22) *)
N == Cardinality(Honest) + Cardinality(Liars)
F == (N - 1) \div 3
Quorum ==
    CASE "quorum" \in Broken -> N \div 2
      [] "unanimity" \in Broken -> N
      [] OTHER -> ((N + F) \div 2) + 1

(* swarm.consensus.instance: form_certificates (P14) *)
Signers(vote) ==
    Cardinality({member \in Honest : vote \in sent[member]})
        + (IF vote \in Lies THEN Cardinality(Liars) ELSE 0)
Certified(vote) == Signers(vote) >= Quorum
Notarised(view) == {block \in Blocks : Certified(<<"notarize", view, block>>)}
Nullified(view) == Certified(<<"nullify", view, NoBlock>>)
Ended(view) == Nullified(view) \/ Notarised(view) # {}
Decided == {block \in Blocks : \E view \in View : Certified(<<"finalize", view, block>>)}

HasVoted(member, purpose, view) == <<purpose, view>> \in remembered[member]

(* swarm.consensus.simplex: _change_view and restore (P12) *)
Entered(view) == view = 1 \/ Ended(view - 1)
MayBeIn(member, view) ==
    /\ Entered(view)
    /\ \A point \in remembered[member] :
           IF point[1] = "finalize" THEN point[2] < view ELSE point[2] <= view

(* swarm.consensus.simplex: _notarise, and rules.may_skip (P9, P10) *)
MaySkip(view) == "skip" \in Broken \/ Nullified(view)
Fits(view, block) ==
    \E parent \in 0 .. (view - 1) :
        /\ \A between \in (parent + 1) .. (view - 1) : MaySkip(between)
        /\ \/ parent = 0
           \/ block \in Notarised(parent)
           \/ "repeat" \in Broken /\ Notarised(parent) # {}
OnlyProposal(view, block) ==
    view \in HonestViews =>
        \A member \in Honest, other \in Blocks \ {block} :
            <<"notarize", view, other>> \notin sent[member]

Vote(member, purpose, view, block) ==
    /\ sent' = [sent EXCEPT ![member] = @ \cup {<<purpose, view, block>>}]
    /\ remembered' = [remembered EXCEPT ![member] = @ \cup {<<purpose, view>>}]

Notarise(member, view, block) ==
    /\ MayBeIn(member, view)
    /\ "once" \in Broken \/ ~HasVoted(member, "notarize", view)
    /\ ~HasVoted(member, "nullify", view)
    /\ Fits(view, block)
    /\ OnlyProposal(view, block)
    /\ Vote(member, "notarize", view, block)

(* swarm.consensus.simplex: _finalise, and rules.may_finalise (P11) *)
Finalise(member, view, block) ==
    /\ block \in Notarised(view)
    /\ ~HasVoted(member, "finalize", view)
    /\ "finalise" \in Broken \/ ~HasVoted(member, "nullify", view)
    /\ Vote(member, "finalize", view, block)

(* swarm.consensus.simplex: _time_out, and rules.may_nullify (P13) *)
Nullify(member, view) ==
    /\ "patience" \notin Broken
    /\ IF "nullify" \in Broken
       THEN Entered(view)
       ELSE MayBeIn(member, view) /\ ~HasVoted(member, "finalize", view)
    /\ ~HasVoted(member, "nullify", view)
    /\ ~(view \in HonestViews /\ view >= Stable)
    /\ Vote(member, "nullify", view, NoBlock)

(* A crash when votes were sent before they were on disk: rules.must_persist (R26) *)
Forget(member) ==
    /\ "persist" \in Broken
    /\ remembered[member] # {}
    /\ remembered' = [remembered EXCEPT ![member] = {}]
    /\ UNCHANGED sent

Init ==
    /\ sent = [member \in Honest |-> {}]
    /\ remembered = [member \in Honest |-> {}]

Next ==
    \E member \in Honest :
        \/ Forget(member)
        \/ \E view \in View :
               \/ Nullify(member, view)
               \/ \E block \in Blocks :
                      Notarise(member, view, block) \/ Finalise(member, view, block)

(* Honest members do in the end what they steadily may; liars need do nothing. *)
Fairness ==
    \A member \in Honest, view \in View :
        /\ WF_vars(\E block \in Blocks : Notarise(member, view, block))
        /\ WF_vars(\E block \in Blocks : Finalise(member, view, block))
        /\ WF_vars(Nullify(member, view))

Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ Fairness

-----------------------------------------------------------------------------

TypeOK ==
    /\ sent \in [Honest -> SUBSET Votes]
    /\ \A member \in Honest : remembered[member] \subseteq {<<v[1], v[2]>> : v \in sent[member]}

Agreement == Cardinality(Decided) <= 1

(* Why agreement holds: a view that decides can never be skipped. *)
NoSkip ==
    \A view \in View :
        (\E block \in Blocks : Certified(<<"finalize", view, block>>)) => ~Nullified(view)

(* Once a view with an honest leader is no longer timed out, something is decided. *)
Progress == <>(Decided # {})
=============================================================================
