terraform import cloudlet_region.south south
