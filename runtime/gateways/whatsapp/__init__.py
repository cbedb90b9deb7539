"""WhatsApp Cloud API: template messages out, delivery statuses in."""
