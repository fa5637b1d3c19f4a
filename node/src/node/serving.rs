//! Which protocols a node serves, within which bounds, and by which tasks.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p::StreamProtocol;
use store_adapter::limits::{METADATA_BYTES, TRANSFER_FRAME_BYTES};
use sync_net::{Deadlines, FrameLimits, ProtocolConfig, Reconciler};

use super::NodeConfig;
use crate::net::{CurrentShards, protocols};
use crate::rates::{Limiter, Service};
use crate::service::{self, Desk, REQUEST_STREAMS_WAITING, ServiceLimits};
use crate::store::Store;
use crate::sync::{SessionStorage, Syncer};

/// What serving takes.
pub(super) struct Serving<'a> {
    pub(super) config: &'a NodeConfig,
    pub(super) store: &'a Arc<Store>,
    pub(super) syncer: &'a Arc<Syncer>,
    pub(super) limiter: &'a Arc<Limiter>,
}

impl Serving<'_> {
    /// Registers the protocols that the node serves, and gives the tasks that serve them.
    pub(super) fn register(
        &self,
        behaviour: &mut sync_net::Behaviour,
        own: Option<Arc<CurrentShards>>,
    ) -> Vec<BoxFuture<'static, ()>> {
        let limits = &self.config.service_limits;
        let mut tasks = Vec::new();
        let asked = behaviour.serve(one_shot(protocols::METADATA, METADATA_BYTES, limits));
        let desk = self.desk(Service::Metadata, None);
        let serving = service::metadata::serve(asked, own, Arc::clone(self.syncer), desk);
        tasks.push(serving.boxed());
        if self.config.serve.store {
            tasks.push(self.register_store(behaviour));
        }
        let storage = Arc::new(SessionStorage(Arc::clone(self.syncer)));
        let local = self.config.keypair.public().to_peer_id();
        let reconcile = self.config.reconcile.clone();
        if self.config.serve.store && self.config.serve.sync {
            let pushed = behaviour.serve(transfer(limits));
            let (syncer, limiter) = (Arc::clone(self.syncer), Arc::clone(self.limiter));
            let serving = service::transfer::serve(pushed, syncer, limiter, limits.clone());
            tasks.push(serving.boxed());
            let (reconciler, serving) = Reconciler::mount(behaviour, local, storage, reconcile);
            tasks.push(serving.boxed());
            self.syncer.set_reconciler(reconciler);
        } else {
            let control = behaviour.control();
            let reconciler = Reconciler::new(control, local, storage, reconcile);
            self.syncer.set_reconciler(reconciler);
        }
        tasks
    }

    fn register_store(&self, behaviour: &mut sync_net::Behaviour) -> BoxFuture<'static, ()> {
        let limits = &self.config.service_limits;
        let request_bytes = self.store.store_limits().request_bytes;
        let mut protocol = one_shot(protocols::STORE, request_bytes, limits);
        protocol.refusal = Some(store_adapter::store::too_many_requests());
        let desk = self.desk(Service::Store, protocol.refusal.clone());
        let asked = behaviour.serve(protocol);
        let (store, syncer) = (Arc::clone(self.store), Arc::clone(self.syncer));
        service::store::serve(asked, store, syncer, desk, limits.response_bytes).boxed()
    }

    fn desk(&self, service: Service, refusal: Option<Vec<u8>>) -> Arc<Desk> {
        let limits = &self.config.service_limits;
        Desk::new(service, Arc::clone(self.limiter), limits, refusal)
    }
}

fn transfer(limits: &ServiceLimits) -> ProtocolConfig {
    let deadlines = Deadlines {
        wait: limits.push_pause,
        ..Deadlines::default()
    };
    ProtocolConfig {
        inbound_per_peer: limits.push_streams_per_peer,
        frame: FrameLimits {
            max_bytes: TRANSFER_FRAME_BYTES,
            deadlines,
        },
        ..ProtocolConfig::new(StreamProtocol::new(protocols::TRANSFER))
    }
}

fn one_shot(id: &'static str, request_bytes: usize, limits: &ServiceLimits) -> ProtocolConfig {
    let deadlines = Deadlines {
        wait: limits.request_pause,
        ..Deadlines::default()
    };
    ProtocolConfig {
        inbound_queue: REQUEST_STREAMS_WAITING,
        inbound_per_peer: limits.request_streams_per_peer,
        frame: FrameLimits {
            max_bytes: request_bytes,
            deadlines,
        },
        ..ProtocolConfig::new(StreamProtocol::new(id))
    }
}
