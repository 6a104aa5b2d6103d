"""What is shipped: the image's recipe, the commands it brings, the example fleet."""
