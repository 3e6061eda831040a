"""What payments bring."""

from collections.abc import Sequence

from kontor.payments.v1 import payments_service_pb2

from server.db.handlers import Handler, Jobs, Periodic
from server.features.core import Core, Feature, service_of
from server.features.payments.jobs import RETRY, PaymentJobs
from server.features.payments.providers.service import connect_providers
from server.features.payments.reconciliation.service import Reconciliation
from server.features.payments.service import PaymentService
from server.features.payments.servicer import PaymentServicer
from server.features.payments.settlement.service import SettlementListener
from server.features.payments.tasks import ApplyEvent, CancelPayments, Refund
from server.features.payments.webhooks.service import Webhooks
from server.rpc.chain import Service


class PaymentsFeature(Feature):
    """Payments by every provider of the shop, which tell `settlement` of money."""

    def __init__(self, core: Core, *, settlement: SettlementListener) -> None:
        self._core = core
        self._providers = connect_providers(core.settings)
        self.payments = PaymentService(
            db=core.db,
            gateways={provider: connected.gateway for provider, connected in self._providers.items()},
            manual=core.settings.bank_transfer_days > 0,
            settlement=settlement,
            clock=core.clock,
        )
        self.webhooks = {
            provider: Webhooks(
                db=core.db, provider=provider, verifier=connected.verifier, payments=self.payments, clock=core.clock
            )
            for provider, connected in self._providers.items()
        }
        self.reconciliation = Reconciliation(db=core.db, payments=self.payments, clock=core.clock)

    def services(self) -> Sequence[Service]:
        servicer = PaymentServicer(db=self._core.db, payments=self.payments, webhooks=self.webhooks)
        return [service_of(payments_service_pb2, servicer)]

    def jobs(self) -> Jobs:
        jobs = PaymentJobs(payments=self.payments, webhooks=self.webhooks)
        return Jobs(
            handlers=[
                Handler(ApplyEvent, jobs.apply_event, RETRY),
                Handler(Refund, jobs.refund, RETRY),
                Handler(CancelPayments, jobs.cancel, RETRY),
            ],
            periodics=[Periodic("payments.reconcile", "* * * * *", self.reconciliation.run, alone=True)],
        )

    async def close(self) -> None:
        for connected in self._providers.values():
            await connected.gateway.close()
