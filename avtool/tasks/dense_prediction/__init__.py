"""Detection and segmentation: rows of the zoo on COCO-style annotations."""
