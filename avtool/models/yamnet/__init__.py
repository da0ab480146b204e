"""YAMNet: a MobileNet over log-mel patches that tags the 521 sounds of AudioSet."""
