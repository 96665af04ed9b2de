//! Blocking services that both adapters share: configuration file, store, file fetch, socket options, log.
